//! Routes reads and writes of bytes to the adapter that serves their URL: staging for uploads, the
//! store for documents. All code that reads or writes bytes calls this, never an adapter.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use futures::future::try_join_all;
use futures::{StreamExt, TryStreamExt};
use tokio::runtime::Handle;
use url::Url;

use crate::key::{key_within, new_key, url_of};
use crate::{
    ByteStream, FreeSpace, Presented, Range, SourceError, SourceStream, Stat, Storage,
    StorageError, WriteError, Writer,
};
use domain::{ByteSize, Hasher, InstallationId, Sha256, Timestamp};

/// Routes bytes between the place where uploads are staged and the place where documents are
/// stored, which may be the same. Further places may have documents from earlier.
#[derive(Clone, Debug)]
pub struct StorageRouter {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    staging: Arc<dyn Storage>,
    store: Arc<dyn Storage>,
    /// Further places with documents, each of its own URL.
    more: Vec<Arc<dyn Storage>>,
    /// Whether documents are stored in staging as well: it was the store once.
    stages_among_documents: bool,
    free_space: FreeSpace,
    /// The installation whose mark the places must carry, once known.
    installation: Arc<OnceLock<InstallationId>>,
}

/// Bytes received whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Staged {
    /// Their URL in staging. With a `body` there is no object at this URL: it is only the key
    /// under which the body will be stored.
    pub url: Url,
    /// When the upload began.
    pub begun_at: Timestamp,
    /// Their size.
    pub size: ByteSize,
    /// Their digest, computed while they were received.
    pub sha256: Sha256,
    /// The bytes themselves, if they are few enough to be kept in the row of whoever accepts them.
    pub body: Option<Bytes>,
}

/// Bytes stored durably in the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Their URL.
    pub url: Url,
    /// The copy that may remain in staging, for the caller to delete.
    pub leftover: Option<Url>,
}

impl StorageRouter {
    /// Creates a router from two adapters; tests wrap them in decorators. `staging` and `store` may
    /// serve the same place.
    #[must_use]
    pub fn new(staging: Arc<dyn Storage>, store: Arc<dyn Storage>) -> Self {
        let inner = Arc::new(Inner {
            staging,
            store,
            more: Vec::new(),
            stages_among_documents: false,
            free_space: FreeSpace::default(),
            installation: Arc::default(),
        });
        Self { inner }
    }

    /// A router for the same installation with other adapters, such as decorators.
    #[must_use]
    pub fn with_adapters(&self, staging: Arc<dyn Storage>, store: Arc<dyn Storage>) -> Self {
        let inner = Arc::new(Inner {
            staging,
            store,
            more: self.inner.more.clone(),
            stages_among_documents: self.inner.stages_among_documents,
            free_space: FreeSpace::default(),
            installation: Arc::clone(&self.inner.installation),
        });
        Self { inner }
    }

    /// A router for the same installation that serves documents of further places as well.
    #[must_use]
    pub fn with_more(&self, more: Vec<Arc<dyn Storage>>) -> Self {
        let inner = Arc::new(Inner {
            staging: Arc::clone(self.staging()),
            store: Arc::clone(self.store()),
            more,
            stages_among_documents: self.inner.stages_among_documents,
            free_space: self.inner.free_space.clone(),
            installation: Arc::clone(&self.inner.installation),
        });
        Self { inner }
    }

    /// A router for the same places, of which staging has documents from earlier.
    #[must_use]
    pub fn with_documents_in_staging(&self) -> Self {
        let inner = Arc::new(Inner {
            staging: Arc::clone(self.staging()),
            store: Arc::clone(self.store()),
            more: self.inner.more.clone(),
            stages_among_documents: true,
            free_space: self.inner.free_space.clone(),
            installation: Arc::clone(&self.inner.installation),
        });
        Self { inner }
    }

    /// Returns a router to the same places that refuses to stage anything while `free_space` is
    /// low.
    #[must_use]
    pub fn watching(&self, free_space: FreeSpace) -> Self {
        let inner = Arc::new(Inner {
            staging: Arc::clone(self.staging()),
            store: Arc::clone(self.store()),
            more: self.inner.more.clone(),
            stages_among_documents: self.inner.stages_among_documents,
            free_space,
            installation: Arc::clone(&self.inner.installation),
        });
        Self { inner }
    }

    /// Sets the installation whose mark the places must carry before anything in them is destroyed.
    /// All clones share it. The first call wins: a ledger keeps its id.
    pub fn belong_to(&self, installation: InstallationId) {
        let known = self.inner.installation.get_or_init(|| installation);
        debug_assert_eq!(*known, installation, "a ledger keeps its id");
    }

    /// The installation that the places must belong to.
    pub(crate) fn installation(&self) -> Option<InstallationId> {
        self.inner.installation.get().copied()
    }

    /// Returns [`StorageError::Full`] if free space is too low for new uploads. Accepted uploads
    /// are still processed.
    pub fn check_room(&self) -> Result<(), StorageError> {
        if self.inner.free_space.is_low() {
            return Err(StorageError::Full);
        }
        Ok(())
    }

    /// Returns the adapter of each place, once.
    pub fn distinct(&self) -> impl Iterator<Item = &Arc<dyn Storage>> {
        self.main().chain(self.more())
    }

    /// Returns the adapter of each place where documents are stored, once: of the store, of further
    /// places, and of staging if it has documents.
    pub fn stores(&self) -> impl Iterator<Item = &Arc<dyn Storage>> {
        let has_documents = self.inner.stages_among_documents && !self.are_one();
        let staging = has_documents.then(|| self.staging());
        [self.store()].into_iter().chain(staging).chain(self.more())
    }

    /// Returns the adapters of the store and of staging, once: without them nothing is accepted.
    pub fn main(&self) -> impl Iterator<Item = &Arc<dyn Storage>> {
        let staging = (!self.are_one()).then(|| self.staging());
        [self.store()].into_iter().chain(staging)
    }

    /// Returns the adapters of further places, which are neither staging nor the store.
    #[must_use]
    pub fn more(&self) -> &[Arc<dyn Storage>] {
        &self.inner.more
    }

    /// Returns the staging adapter, for listing and sweeping.
    #[must_use]
    pub fn staging(&self) -> &Arc<dyn Storage> {
        &self.inner.staging
    }

    /// Returns the store adapter, for listing and sweeping.
    #[must_use]
    pub fn store(&self) -> &Arc<dyn Storage> {
        &self.inner.store
    }

    /// Returns whether staging and store are the same place.
    #[must_use]
    pub fn are_one(&self) -> bool {
        self.staging().place() == self.store().place()
    }

    /// Streams bytes into staging under a new key, counting and hashing them. They are durable when
    /// this returns. A call that is dropped or fails leaves nothing behind, unless the process dies
    /// or the backend does not answer; the cleanup finds such objects by listing. Fails, also
    /// midway, when free space is too low.
    ///
    /// Writes on behalf of the service; [`Self::stage_for`] writes on behalf of a user.
    pub async fn stage(
        &self,
        now: Timestamp,
        source: SourceStream<'_>,
    ) -> Result<Staged, WriteError> {
        self.stage_for(Writer::Service, now, source).await
    }

    /// Like [`Self::stage`], with part buffers charged to `writer`.
    pub async fn stage_for(
        &self,
        writer: Writer,
        now: Timestamp,
        source: SourceStream<'_>,
    ) -> Result<Staged, WriteError> {
        self.check_room()?;
        let key = new_key(now);
        let mut tally = Tally::default();
        let unsettled = Unsettled {
            url: url_of(self.staging().place(), &key),
            places: Some(self.clone()),
        };
        let counted = Box::pin(source.map(|chunk| {
            let chunk = chunk?;
            self.check_room()?;
            tally.add(&chunk);
            Ok::<_, SourceError>(chunk)
        }));
        let outcome = self.staging().put(&key, counted, writer).await;
        if matches!(outcome, Ok(_) | Err(WriteError::Source(_))) {
            unsettled.settle();
        }
        let (size, sha256) = tally.finish();
        Ok(Staged {
            url: outcome.map_err(of_storage)?,
            begun_at: now,
            size,
            sha256,
            body: None,
        })
    }

    /// Opens the object at `url`, or a range of it.
    pub async fn open(&self, url: &Url, range: Option<Range>) -> Result<ByteStream, StorageError> {
        let storage = self.adapter_of(url)?;
        let place = storage.place();
        let bytes = storage.open(url, range).await;
        let bytes = bytes.map_err(|error| error.at(place))?;
        let place = place.clone();
        Ok(Box::pin(bytes.map_err(move |error| error.at(&place))))
    }

    /// Returns a URL at which anybody can read the object for `lifetime`; `None` if its place has
    /// no such URLs. It must not be logged.
    pub async fn presign(
        &self,
        url: &Url,
        presented: &Presented,
        lifetime: Duration,
    ) -> Result<Option<Url>, StorageError> {
        let storage = self.adapter_of(url)?;
        storage.presign(url, presented, lifetime).await
    }

    /// Returns the size and times of the object at `url`; `None` if it does not exist.
    pub async fn stat(&self, url: &Url) -> Result<Option<Stat>, StorageError> {
        let storage = self.adapter_of(url)?;
        let found = storage.stat(url).await;
        found.map_err(|error| error.at(storage.place()))
    }

    /// Returns where the staged bytes are now: at `staged`, or already in the store if an earlier
    /// attempt moved them and then died. `None` if they are gone.
    pub async fn locate(&self, staged: &Url) -> Result<Option<(Url, Stat)>, StorageError> {
        if let Some(stat) = self.stat(staged).await? {
            return Ok(Some((staged.clone(), stat)));
        }
        // The store may have been another one by then.
        for target in self.counterparts(staged)? {
            if let Some(stat) = self.stat(&target).await? {
                return Ok(Some((target, stat)));
            }
        }
        Ok(None)
    }

    /// Returns the URLs that staged bytes have once they are taken into one of the stores.
    fn counterparts(&self, staged: &Url) -> Result<Vec<Url>, StorageError> {
        let key = self.key_of(staged)?;
        let urls = self.stores().map(|store| url_of(store.place(), key));
        Ok(urls.filter(|url| url != staged).collect())
    }

    /// Moves staged bytes into the store in the cheapest safe way: adopted in place if staging is
    /// the store, else renamed or copied by the backend, else copied through this process, which
    /// verifies `size` and `sha256`. Safe to repeat.
    pub async fn take(
        &self,
        staged: &Url,
        size: ByteSize,
        sha256: Sha256,
    ) -> Result<Taken, StorageError> {
        let target = self.target_of(staged)?;
        if target == *staged {
            return Ok(Taken {
                url: target,
                leftover: None,
            });
        }
        let key = self.key_of(staged)?;
        let store = self.store();
        match store.take(staged, key).await {
            Ok(Some(url)) => {
                // A file was renamed; an object was copied.
                let leftover = (url.scheme() != "file").then(|| staged.clone());
                return Ok(Taken { url, leftover });
            }
            // Gone from staging, it may be in a former store.
            Ok(None) | Err(StorageError::NotFound { .. }) => {}
            Err(error) => return Err(error.at(store.place())),
        }
        let present = self.store().stat(&target).await?;
        // A copy becomes visible only after verification, so an existing one is complete.
        let mut source = staged.clone();
        if present.is_none_or(|stat| stat.size != size) {
            if let Some((found, _)) = self.locate(staged).await? {
                source = found;
            }
            self.copy(&source, &target, (size, sha256), |bytes| bytes)
                .await?;
        }
        Ok(Taken {
            url: target,
            leftover: Some(source),
        })
    }

    /// Returns every URL at which bytes of this staged upload may exist, for removal.
    #[must_use]
    pub fn traces(&self, staged: &Url) -> Vec<Url> {
        let mut traces = vec![staged.clone()];
        traces.extend(self.counterparts(staged).unwrap_or_default());
        traces
    }

    /// Returns the staging URL of an object of either place: staging and store use the same key.
    pub fn origin_of(&self, url: &Url) -> Result<Url, StorageError> {
        Ok(url_of(self.staging().place(), self.key_of(url)?))
    }

    /// Returns [`Self::traces`] of a URL given as text; empty if it does not parse.
    #[must_use]
    pub fn traces_of(&self, staged: &str) -> Vec<String> {
        let traces = staged.parse().map(|staged| self.traces(&staged));
        let traces = traces.unwrap_or_default();
        traces.into_iter().map(String::from).collect()
    }

    /// Checks that all places can be reached and written to.
    pub async fn check(&self) -> Result<(), StorageError> {
        try_join_all(self.distinct().map(|storage| storage.check())).await?;
        Ok(())
    }

    /// Checks that the store and staging can be reached and written to.
    pub async fn check_main(&self) -> Result<(), StorageError> {
        try_join_all(self.main().map(|storage| storage.check())).await?;
        Ok(())
    }

    pub(crate) fn adapter_of(&self, url: &Url) -> Result<&Arc<dyn Storage>, StorageError> {
        self.distinct()
            .find(|storage| key_within(storage.place(), url).is_some())
            .ok_or_else(|| StorageError::UnknownPlace { url: url.clone() })
    }

    pub(crate) fn key_of<'u>(&self, url: &'u Url) -> Result<&'u str, StorageError> {
        key_within(self.adapter_of(url)?.place(), url)
            .ok_or_else(|| StorageError::UnknownPlace { url: url.clone() })
    }

    /// Returns the URL in the store for what was staged at `staged`: the same key, so that a second
    /// attempt finds the result of the first.
    fn target_of(&self, staged: &Url) -> Result<Url, StorageError> {
        Ok(url_of(self.store().place(), self.key_of(staged)?))
    }
}

/// Unwraps a storage error that came through the source, such as a full disk.
pub(crate) fn of_storage(error: WriteError) -> WriteError {
    match error {
        WriteError::Source(source) => match source.downcast::<StorageError>() {
            Ok(error) => WriteError::Storage(*error),
            Err(source) => WriteError::Source(source),
        },
        error @ WriteError::Storage(_) => error,
    }
}

/// Counts and hashes streamed bytes.
#[derive(Default)]
pub(crate) struct Tally {
    size: u64,
    hasher: Hasher,
}

impl Tally {
    pub(crate) fn add(&mut self, chunk: &[u8]) {
        self.size += chunk.len() as u64;
        self.hasher.update(chunk);
    }

    pub(crate) fn finish(self) -> (ByteSize, Sha256) {
        (ByteSize::new(self.size), self.hasher.finish())
    }
}

/// A write under a fresh key. If dropped unsettled, whatever the write left behind is removed in
/// the background.
struct Unsettled {
    url: Url,
    places: Option<StorageRouter>,
}

impl Unsettled {
    fn settle(mut self) {
        self.places = None;
    }
}

impl Drop for Unsettled {
    fn drop(&mut self) {
        let (Some(places), Ok(runtime)) = (self.places.take(), Handle::try_current()) else {
            return;
        };
        let url = self.url.clone();
        runtime.spawn(async move {
            if let Err(error) = places.delete(&url).await {
                tracing::debug!(storage.url = %url, %error, "failed to remove an unfinished upload; the cleanup will");
            }
        });
    }
}

#[cfg(test)]
mod tests;
