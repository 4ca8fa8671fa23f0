//! The adapter for Google Cloud Storage. An object becomes visible with its last request, and is
//! then as durable as its bucket's location makes it.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::stream as streams;
use url::Url;

use super::bucket::Bucket;
use super::growing::Spot;
use super::reading::get;
use super::rewrite::{Copied, copy};
use super::upload::Uploads;
use super::{listing, marking, parts};
use crate::key::{MARK, Start, is_growing, is_key, key_within, start_of, url_of};
use crate::rest::stream;
use crate::resumed::resumed;
use crate::{
    Appender, Appending, ByteStream, Direct, EntryStream, Environment, GcsLocation, Growing, Mark,
    Marking, Presented, Range, SourceStream, Stat, Storage, StorageError, WriteError, Writer,
};
use domain::{InstallationId, Timestamp};

/// A prefix of a bucket.
#[derive(Debug)]
pub struct Gcs {
    place: Url,
    pub(super) bucket: Arc<Bucket>,
    prefix: String,
    uploads: Uploads,
}

impl Gcs {
    /// Creates the adapter for a `gs:` URL, which ends with a slash, with credentials of the
    /// environment. Sends nothing yet.
    pub fn connect(
        place: &Url,
        location: &GcsLocation,
        environment: &Environment,
    ) -> Result<Self, StorageError> {
        Ok(Self {
            place: place.clone(),
            bucket: Arc::new(Bucket::connect(location, environment)?),
            prefix: location.prefix.clone(),
            uploads: Uploads::new(),
        })
    }

    /// Returns the name in the bucket of the object at `url`.
    pub(super) fn name_of(&self, url: &Url) -> Result<String, StorageError> {
        let key = key_within(&self.place, url);
        let key = key.ok_or_else(|| StorageError::UnknownPlace { url: url.clone() })?;
        Ok(format!("{}{key}", self.prefix))
    }

    /// Returns the folder of the parts of the object at `url`.
    pub(super) fn parts_of(&self, url: &Url) -> Result<String, StorageError> {
        let key = key_within(&self.place, url);
        let key = key.ok_or_else(|| StorageError::UnknownPlace { url: url.clone() })?;
        Ok(parts::parts_folder(&self.prefix, key))
    }

    /// Returns the name of the place's mark.
    fn mark_name(&self) -> String {
        format!("{}{MARK}", self.prefix)
    }

    fn spot(&self, growing: &Growing, fence: u64, writer: Writer) -> Result<Spot, StorageError> {
        let url = &growing.url;
        let key = key_within(&self.place, url);
        let key = key.ok_or_else(|| StorageError::UnknownPlace { url: url.clone() })?;
        Ok(Spot {
            bucket: Arc::clone(&self.bucket),
            place: self.place.clone(),
            prefix: self.prefix.clone(),
            key: key.to_owned(),
            buffers: self.uploads.buffers.clone(),
            writer,
            fence,
        })
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
impl Storage for Gcs {
    fn place(&self) -> &Url {
        &self.place
    }

    async fn put(
        &self,
        key: &str,
        source: SourceStream<'_>,
        writer: Writer,
    ) -> Result<Url, WriteError> {
        let (url, name) = self.new_object(key)?;
        self.uploads
            .put(&self.bucket, &name, source, writer)
            .await?;
        Ok(url)
    }

    async fn open(&self, url: &Url, range: Option<Range>) -> Result<ByteStream, StorageError> {
        let name = self.name_of(url)?;
        if range.is_some_and(|range| range.length == 0) {
            // The protocol has no empty range.
            let stat = self.stat(url).await?;
            stat.ok_or_else(|| StorageError::NotFound { url: url.clone() })?;
            return Ok(Box::pin(streams::empty()));
        }
        let (first, whole) = get(&self.bucket, &name, url, range).await?;
        let (bucket, url) = (Arc::clone(&self.bucket), url.clone());
        Ok(resumed(stream(first), whole, move |rest| {
            let (bucket, name, url) = (Arc::clone(&bucket), name.clone(), url.clone());
            async move {
                let (answer, _) = get(&bucket, &name, &url, Some(rest)).await?;
                Ok(stream(answer))
            }
        }))
    }

    async fn presign(
        &self,
        url: &Url,
        presented: &Presented,
        lifetime: Duration,
    ) -> Result<Option<Url>, StorageError> {
        let name = self.name_of(url)?;
        self.bucket.presign(&name, presented, lifetime)
    }

    async fn stat(&self, url: &Url) -> Result<Option<Stat>, StorageError> {
        self.bucket.stat(&self.name_of(url)?).await
    }

    async fn delete(&self, url: &Url) -> Result<(), StorageError> {
        let name = self.name_of(url)?;
        if let Some(key) = key_within(&self.place, url).filter(|key| is_growing(key)) {
            parts::remove(&self.bucket, &self.prefix, key).await?;
        }
        parts::delete(&self.bucket, &name).await
    }

    /// A server-side copy leaves the object at `staged`.
    async fn take(&self, staged: &Url, key: &str) -> Result<Option<Url>, StorageError> {
        let (url, name) = self.new_object(key)?;
        if staged.scheme() != "gs" {
            return Ok(None);
        }
        let Some(source) = staged.host_str().zip(staged.path().strip_prefix('/')) else {
            return Ok(None);
        };
        if copy(&self.bucket, source, &name).await? == Copied::Done {
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
            Start::Past => return Ok(Box::pin(streams::empty())),
        };
        let (bucket, place) = (&self.bucket, &self.place);
        Ok(listing::list(bucket, place, &self.prefix, after))
    }

    /// Removes what is left of finished objects that grew. The service ends abandoned sessions by
    /// itself, and doesn't list them.
    async fn sweep(&self, older_than: Timestamp) -> Result<u64, StorageError> {
        parts::sweep(&self.bucket, &self.place, &self.prefix, older_than).await
    }

    /// Checks that the bucket exists and can be listed; only a write shows whether it is writable.
    async fn check(&self) -> Result<(), StorageError> {
        listing::check(&self.bucket, &self.prefix).await
    }

    async fn mark(&self) -> Result<Option<Mark>, StorageError> {
        marking::mark(&self.bucket, &self.mark_name()).await
    }

    async fn set_mark(
        &self,
        installation: InstallationId,
        marking: Marking,
    ) -> Result<(), StorageError> {
        marking::set_mark(&self.bucket, &self.mark_name(), installation, marking).await
    }

    fn appending(&self) -> Option<&dyn Appending> {
        Some(self)
    }

    fn direct(&self) -> Option<&dyn Direct> {
        Some(self)
    }
}

#[async_trait]
impl Appending for Gcs {
    async fn append(
        &self,
        growing: &Growing,
        fence: u64,
        writer: Writer,
    ) -> Result<Box<dyn Appender>, StorageError> {
        let spot = self.spot(growing, fence, writer)?;
        Ok(Box::new(spot.append(growing).await?))
    }

    async fn finish(
        &self,
        growing: &Growing,
        fence: u64,
        writer: Writer,
    ) -> Result<Url, StorageError> {
        self.spot(growing, fence, writer)?.finish(growing).await
    }

    async fn unfinished(&self, older_than: Timestamp) -> Result<EntryStream, StorageError> {
        let (bucket, place) = (&self.bucket, &self.place);
        Ok(parts::unfinished(bucket, place, &self.prefix, older_than))
    }
}
