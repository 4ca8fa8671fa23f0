//! The adapter for S3. An object becomes visible with its last request, and is then as durable as
//! the service makes it.

use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_s3::config::Credentials;
use futures::stream;
use url::Url;

use super::client::Bucket;
use super::copy::{Copied, Source, copy};
use super::growing::Spot;
use super::listing;
use super::marking;
use super::outcome::{failed, is_missing, odd, stat_of};
use super::presigned::presign;
use super::reading::get;
use super::upload::Uploads;
use crate::key::{MARK, Start, is_growing, is_key, key_within, start_of, url_of};
use crate::resumed::resumed;
use crate::{
    Appender, Appending, ByteStream, Direct, EntryStream, Growing, Mark, Marking, Presented, Range,
    S3Location, SourceStream, Stat, Storage, StorageError, WriteError, Writer,
};
use domain::{InstallationId, Timestamp};

/// A prefix of a bucket.
#[derive(Debug)]
pub struct S3 {
    place: Url,
    pub(super) bucket: Bucket,
    prefix: String,
    uploads: Uploads,
}

impl S3 {
    /// Creates the adapter for an `s3:` URL, which ends with a slash, with these credentials or
    /// those of the standard AWS environment. Sends nothing yet.
    pub async fn connect(
        place: &Url,
        location: &S3Location,
        credentials: Option<Credentials>,
    ) -> Self {
        Self {
            place: place.clone(),
            bucket: Bucket::connect(location, credentials).await,
            prefix: location.prefix.clone(),
            uploads: Uploads::new(),
        }
    }

    /// Returns the key in the bucket of the object at `url`.
    pub(super) fn key_of(&self, url: &Url) -> Result<String, StorageError> {
        let key = key_within(&self.place, url);
        let key = key.ok_or_else(|| StorageError::UnknownPlace { url: url.clone() })?;
        Ok(format!("{}{key}", self.prefix))
    }

    fn spot(&self, growing: &Growing, writer: Writer) -> Result<Spot, StorageError> {
        Ok(Spot {
            bucket: self.bucket.clone(),
            place: self.place.clone(),
            prefix: self.prefix.clone(),
            key: self.key_of(&growing.url)?,
            uploads: self.uploads.clone(),
            writer,
        })
    }

    /// Returns the key in the bucket of the place's mark.
    fn mark_key(&self) -> String {
        format!("{}{MARK}", self.prefix)
    }

    fn new_object(&self, key: &str) -> Result<(Url, String), StorageError> {
        let url = url_of(&self.place, key);
        if !is_key(key) {
            return Err(StorageError::UnknownPlace { url });
        }
        Ok((url, format!("{}{key}", self.prefix)))
    }
}

#[async_trait]
impl Storage for S3 {
    fn place(&self) -> &Url {
        &self.place
    }

    async fn put(
        &self,
        key: &str,
        source: SourceStream<'_>,
        writer: Writer,
    ) -> Result<Url, WriteError> {
        let (url, key) = self.new_object(key)?;
        self.uploads.put(&self.bucket, &key, source, writer).await?;
        Ok(url)
    }

    async fn open(&self, url: &Url, range: Option<Range>) -> Result<ByteStream, StorageError> {
        let key = self.key_of(url)?;
        if range.is_some_and(|range| range.length == 0) {
            // The protocol has no empty range.
            let stat = self.stat(url).await?;
            stat.ok_or_else(|| StorageError::NotFound { url: url.clone() })?;
            return Ok(Box::pin(stream::empty()));
        }
        let (first, whole) = get(&self.bucket, &key, url, range).await?;
        let (bucket, url) = (self.bucket.clone(), url.clone());
        Ok(resumed(first, whole, move |rest| {
            let (bucket, key, url) = (bucket.clone(), key.clone(), url.clone());
            async move { Ok(get(&bucket, &key, &url, Some(rest)).await?.0) }
        }))
    }

    async fn presign(
        &self,
        url: &Url,
        presented: &Presented,
        lifetime: Duration,
    ) -> Result<Option<Url>, StorageError> {
        let key = self.key_of(url)?;
        let signed = presign(&self.bucket, &key, presented, lifetime).await;
        signed.map(Some)
    }

    async fn stat(&self, url: &Url) -> Result<Option<Stat>, StorageError> {
        let key = self.key_of(url)?;
        let request = self
            .bucket
            .client
            .head_object()
            .bucket(&self.bucket.name)
            .key(key);
        match request.send().await {
            Ok(found) => {
                let size = found
                    .content_length
                    .ok_or_else(|| odd("look", "the service did not return the object's length"))?;
                Ok(Some(stat_of(Some(size), found.last_modified.as_ref())))
            }
            Err(error) if is_missing(&error) => Ok(None),
            Err(error) => Err(failed("look", error)),
        }
    }

    async fn delete(&self, url: &Url) -> Result<(), StorageError> {
        let key = self.key_of(url)?;
        if is_growing(&key[self.prefix.len()..]) {
            listing::abort_all(&self.bucket, &key).await?;
        }
        let request = self
            .bucket
            .client
            .delete_object()
            .bucket(&self.bucket.name)
            .key(key);
        match request.send().await {
            Err(error) if !is_missing(&error) => Err(failed("delete", error)),
            _ => Ok(()),
        }
    }

    /// A server-side copy leaves the object at `staged`.
    async fn take(&self, staged: &Url, key: &str) -> Result<Option<Url>, StorageError> {
        let (url, key) = self.new_object(key)?;
        let Some(source) = source_of(staged) else {
            return Ok(None);
        };
        if copy(&self.bucket, &source, &key).await? == Copied::Done {
            return Ok(Some(url));
        }
        // Gone already, or at another service; keys are never reused, so an object with this key is
        // the staged one.
        Ok(self.stat(&url).await?.map(|_| url))
    }

    async fn list(&self, after: Option<&Url>) -> Result<EntryStream, StorageError> {
        let after = match start_of(&self.place, after) {
            Start::First => None,
            Start::Behind(key) => Some(key),
            Start::Past => return Ok(Box::pin(stream::empty())),
        };
        Ok(listing::list(
            &self.bucket,
            &self.place,
            &self.prefix,
            after,
        ))
    }

    async fn sweep(&self, older_than: Timestamp) -> Result<u64, StorageError> {
        listing::sweep(&self.bucket, &self.prefix, older_than).await
    }

    /// Checks that the bucket exists and is visible; only a write shows whether it is writable.
    async fn check(&self) -> Result<(), StorageError> {
        let request = self.bucket.client.head_bucket().bucket(&self.bucket.name);
        request
            .send()
            .await
            .map(drop)
            .map_err(|error| failed("reach its bucket", error))
    }

    async fn mark(&self) -> Result<Option<Mark>, StorageError> {
        marking::mark(&self.bucket, &self.mark_key()).await
    }

    async fn set_mark(
        &self,
        installation: InstallationId,
        marking: Marking,
    ) -> Result<(), StorageError> {
        marking::set_mark(&self.bucket, &self.mark_key(), installation, marking).await
    }

    fn appending(&self) -> Option<&dyn Appending> {
        Some(self)
    }

    fn direct(&self) -> Option<&dyn Direct> {
        Some(self)
    }
}

/// Part numbers keep writers apart, not the fence.
#[async_trait]
impl Appending for S3 {
    async fn append(
        &self,
        growing: &Growing,
        _: u64,
        writer: Writer,
    ) -> Result<Box<dyn Appender>, StorageError> {
        Ok(Box::new(self.spot(growing, writer)?.append(growing).await?))
    }

    async fn finish(&self, growing: &Growing, _: u64, writer: Writer) -> Result<Url, StorageError> {
        self.spot(growing, writer)?.finish(growing).await
    }

    async fn unfinished(&self, older_than: Timestamp) -> Result<EntryStream, StorageError> {
        let (place, prefix) = (&self.place, &self.prefix);
        Ok(listing::unfinished(&self.bucket, place, prefix, older_than))
    }
}

/// Returns the object at a URL of another S3 place.
fn source_of(staged: &Url) -> Option<Source> {
    if staged.scheme() != "s3" {
        return None;
    }
    Some(Source {
        bucket: staged.host_str()?.to_owned(),
        key: staged.path().strip_prefix('/')?.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use crate::{Environment, StorageError, StorageUrl};

    #[tokio::test]
    async fn a_service_that_is_not_there_is_unavailable() {
        // Nobody listens on the port for services that multiplex others.
        let url: StorageUrl = "s3://bucket/documents?endpoint=http://127.0.0.1:1"
            .parse()
            .unwrap();
        let keys = [
            ("AWS_ACCESS_KEY_ID", "key"),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
        ];
        let storage = url.connect_in(&Environment::only(keys)).await.unwrap();
        let error = storage.check().await.unwrap_err();
        assert!(matches!(error, StorageError::Unavailable { .. }), "{error}");
    }
}
