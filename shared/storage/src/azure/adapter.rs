//! The adapter for Azure. An object becomes visible with its last request, and is then as durable
//! as the account's redundancy makes it.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::stream as streams;
use http::Method;
use url::Url;

use super::blocks::Writes;
use super::container::Container;
use super::copy::{Copied, clear_form, copy, is_partial};
use super::growing::Spot;
use super::outcome::{is_missing, refusal, stat_of};
use super::reading::get;
use super::removal::{Removed, remove};
use super::signature::DelegationKeys;
use super::unfinished::is_placeholder;
use super::{listing, marking};
use crate::key::{MARK, Start, is_growing, is_key, key_within, start_of, url_of};
use crate::rest::{header, length, stream};
use crate::resumed::resumed;
use crate::{
    Appender, Appending, AzureLocation, ByteStream, Direct, EntryStream, Environment, Growing,
    Mark, Marking, Presented, Range, SourceStream, Stat, Storage, StorageError, WriteError, Writer,
};
use domain::{InstallationId, Timestamp};

/// A prefix of a container.
#[derive(Debug)]
pub struct Azure {
    place: Url,
    pub(super) container: Arc<Container>,
    prefix: String,
    writes: Writes,
    pub(super) keys: DelegationKeys,
}

impl Azure {
    /// Creates the adapter for an `azure:` URL, which ends with a slash, with credentials of the
    /// environment. Sends nothing yet.
    pub fn connect(
        place: &Url,
        location: &AzureLocation,
        environment: &Environment,
    ) -> Result<Self, StorageError> {
        Ok(Self {
            place: place.clone(),
            container: Arc::new(Container::connect(location, environment)?),
            prefix: location.prefix.clone(),
            writes: Writes::new(),
            keys: DelegationKeys::default(),
        })
    }

    /// Returns the name of the blob at `url`.
    pub(super) fn name_of(&self, url: &Url) -> Result<String, StorageError> {
        let key = key_within(&self.place, url);
        let key = key.ok_or_else(|| StorageError::UnknownPlace { url: url.clone() })?;
        Ok(format!("{}{key}", self.prefix))
    }

    /// Returns the name of the place's mark.
    fn mark_name(&self) -> String {
        format!("{}{MARK}", self.prefix)
    }

    fn spot(&self, growing: &Growing, fence: u64, writer: Writer) -> Result<Spot, StorageError> {
        Ok(Spot {
            container: Arc::clone(&self.container),
            place: self.place.clone(),
            prefix: self.prefix.clone(),
            name: self.name_of(&growing.url)?,
            buffers: self.writes.buffers.clone(),
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
impl Storage for Azure {
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
        self.writes
            .put(&self.container, &name, source, writer)
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
        let (first, whole) = get(&self.container, &name, url, range).await?;
        let (container, url) = (Arc::clone(&self.container), url.clone());
        Ok(resumed(stream(first), whole, move |rest| {
            let (container, name, url) = (Arc::clone(&container), name.clone(), url.clone());
            async move {
                let (answer, _) = get(&container, &name, &url, Some(rest)).await?;
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
        let (keys, container) = (&self.keys, &self.container);
        keys.presign(container, &name, presented, lifetime).await
    }

    async fn stat(&self, url: &Url) -> Result<Option<Stat>, StorageError> {
        let name = self.name_of(url)?;
        let call = self.container.call("look", Method::HEAD, &name);
        let answer = self.container.send(&call).await?;
        if is_missing(&answer) {
            return Ok(None);
        }
        if !answer.status().is_success() {
            return Err(refusal(call.action, answer).await);
        }
        let size = length(&answer).ok_or_else(|| StorageError::Unavailable {
            action: call.action,
            source: "the service did not return the object's length".into(),
        })?;
        let stat = stat_of(Some(size), header(&answer, "last-modified"));
        let is_object = !is_placeholder(&answer) && !is_partial(&answer);
        Ok(is_object.then_some(stat))
    }

    async fn delete(&self, url: &Url) -> Result<(), StorageError> {
        let name = self.name_of(url)?;
        let what = if key_within(&self.place, url).is_some_and(is_growing) {
            Removed::BlobAndBlocks
        } else {
            Removed::Blob
        };
        remove(&self.container, &name, what).await
    }

    /// A server-side copy leaves the object at `staged`.
    async fn take(&self, staged: &Url, key: &str) -> Result<Option<Url>, StorageError> {
        let (url, name) = self.new_object(key)?;
        if staged.scheme() != "azure" {
            return Ok(None);
        }
        let source = staged.host_str().zip(staged.path().strip_prefix('/'));
        let Some((container, object)) = source else {
            return Ok(None);
        };
        let source = self.container.source(container, object);
        if copy(&self.container, &source, &name).await? == Copied::Done {
            if object.rsplit('/').next().is_some_and(is_growing) {
                clear_form(&self.container, &name).await?;
            }
            return Ok(Some(url));
        }
        // Gone already, or in another account; keys are never reused, so an object with this key
        // is the staged one.
        Ok(self.stat(&url).await?.map(|_| url))
    }

    async fn list(&self, after: Option<&Url>) -> Result<EntryStream, StorageError> {
        let after = match start_of(&self.place, after) {
            Start::First => None,
            Start::Behind(key) => Some(key),
            Start::Past => return Ok(Box::pin(streams::empty())),
        };
        let (container, place) = (&self.container, &self.place);
        Ok(listing::list(container, place, &self.prefix, after))
    }

    async fn sweep(&self, older_than: Timestamp) -> Result<u64, StorageError> {
        listing::sweep(&self.container, &self.place, &self.prefix, older_than).await
    }

    /// Checks that the container exists and can be listed; only a write shows whether it is
    /// writable.
    async fn check(&self) -> Result<(), StorageError> {
        listing::check(&self.container, &self.prefix).await
    }

    async fn mark(&self) -> Result<Option<Mark>, StorageError> {
        marking::mark(&self.container, &self.mark_name()).await
    }

    async fn set_mark(
        &self,
        installation: InstallationId,
        marking: Marking,
    ) -> Result<(), StorageError> {
        marking::set_mark(&self.container, &self.mark_name(), installation, marking).await
    }

    fn appending(&self) -> Option<&dyn Appending> {
        Some(self)
    }

    fn direct(&self) -> Option<&dyn Direct> {
        Some(self)
    }
}

#[async_trait]
impl Appending for Azure {
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
        let (container, place) = (&self.container, &self.place);
        Ok(listing::unfinished(
            container,
            place,
            &self.prefix,
            older_than,
        ))
    }
}
