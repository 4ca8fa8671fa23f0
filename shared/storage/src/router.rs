//! Routes reads and writes of bytes to the adapter that serves their URL: staging for uploads, the
//! store for documents. All code that reads or writes bytes calls this, never an adapter.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use tokio::runtime::Handle;
use url::Url;

use super::key::{key_within, new_key, url_of};
use super::url::StorageUrl;
use super::{
    ByteStream, FreeSpace, Local, Range, SourceError, SourceStream, Stat, Storage, StorageError,
    WriteError, Writer,
};
use domain::{ByteSize, Hasher, InstallationId, Sha256, Timestamp};

/// Routes bytes between the place where uploads are staged and the place where documents are
/// stored, which may be the same.
#[derive(Clone, Debug)]
pub struct StorageRouter {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    staging: Arc<dyn Storage>,
    store: Arc<dyn Storage>,
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
            free_space: FreeSpace::default(),
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
    pub(super) fn installation(&self) -> Option<InstallationId> {
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

    /// Connects to the operator's URLs. Creates missing folders; S3 clients take their credentials
    /// from the standard AWS environment. The two places must be identical or must not overlap.
    pub async fn connect(staging: &StorageUrl, store: &StorageUrl) -> Result<Self, StorageError> {
        let (inner, outer) = (staging.place().as_str(), store.place().as_str());
        if staging == store {
            let both = staging.connect().await?;
            return Ok(Self::new(Arc::clone(&both), both));
        }
        let overlap = || StorageError::Overlap {
            staging: staging.to_string(),
            store: store.to_string(),
        };
        if inner.starts_with(outer) || outer.starts_with(inner) {
            return Err(overlap());
        }
        let places = Self::new(staging.connect().await?, store.connect().await?);
        for (one, other) in [(staging, store), (store, staging)] {
            if let Ok(folder) = one.place().to_file_path()
                && Local::lies_within(&folder, other.place()).await?
            {
                return Err(overlap());
            }
        }
        Ok(places)
    }

    /// Returns the place that contains the existing file or folder at `path`, whatever path or link
    /// leads to it.
    pub async fn place_around(&self, path: &Path) -> Result<Option<&Url>, StorageError> {
        for storage in self.distinct() {
            if Local::lies_within(path, storage.place()).await? {
                return Ok(Some(storage.place()));
            }
        }
        Ok(None)
    }

    /// Returns the adapter of each place: two, or one if staging and store are the same.
    pub fn distinct(&self) -> impl Iterator<Item = &Arc<dyn Storage>> {
        let staging = (!self.are_one()).then(|| self.staging());
        [self.store()].into_iter().chain(staging)
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
        self.adapter_of(url)?.open(url, range).await
    }

    /// Returns the size and times of the object at `url`; `None` if it does not exist.
    pub async fn stat(&self, url: &Url) -> Result<Option<Stat>, StorageError> {
        self.adapter_of(url)?.stat(url).await
    }

    /// Returns where the staged bytes are now: at `staged`, or already in the store if an earlier
    /// attempt moved them and then died. `None` if they are gone.
    pub async fn locate(&self, staged: &Url) -> Result<Option<(Url, Stat)>, StorageError> {
        if let Some(stat) = self.stat(staged).await? {
            return Ok(Some((staged.clone(), stat)));
        }
        let target = self.target_of(staged)?;
        if target == *staged {
            return Ok(None);
        }
        let stat = self.store().stat(&target).await?;
        Ok(stat.map(|stat| (target, stat)))
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
        if let Some(url) = self.store().take(staged, key).await? {
            // A file was renamed; an object was copied.
            let leftover = (url.scheme() != "file").then(|| staged.clone());
            return Ok(Taken { url, leftover });
        }
        let present = self.store().stat(&target).await?;
        // A copy becomes visible only after verification, so an existing one is complete.
        if present.is_none_or(|stat| stat.size != size) {
            self.copy(staged, key, size, sha256).await?;
        }
        Ok(Taken {
            url: target,
            leftover: Some(staged.clone()),
        })
    }

    /// Returns every URL at which bytes of this staged upload may exist, for removal.
    #[must_use]
    pub fn traces(&self, staged: &Url) -> Vec<Url> {
        let mut traces = vec![staged.clone()];
        traces.extend(
            self.target_of(staged)
                .ok()
                .filter(|target| target != staged),
        );
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

    /// Checks that both places can be reached and written to.
    pub async fn check(&self) -> Result<(), StorageError> {
        if self.are_one() {
            return self.store().check().await;
        }
        tokio::try_join!(self.staging().check(), self.store().check())?;
        Ok(())
    }

    /// Copies through this process, and verifies `size` and `sha256`.
    pub(super) async fn copy(
        &self,
        staged: &Url,
        key: &str,
        size: ByteSize,
        sha256: Sha256,
    ) -> Result<(), StorageError> {
        let source = verified(self.open(staged, None).await?, staged, size, sha256);
        match self.store().put(key, source, Writer::Service).await {
            Ok(_) => Ok(()),
            Err(WriteError::Storage(error)) => Err(error),
            // The source is one of our own places, so its errors are storage errors.
            Err(WriteError::Source(error)) => Err(match error.downcast::<StorageError>() {
                Ok(error) => *error,
                Err(source) => StorageError::Unavailable {
                    action: "copy",
                    source,
                },
            }),
        }
    }

    pub(super) fn adapter_of(&self, url: &Url) -> Result<&Arc<dyn Storage>, StorageError> {
        [self.store(), self.staging()]
            .into_iter()
            .find(|storage| key_within(storage.place(), url).is_some())
            .ok_or_else(|| StorageError::UnknownPlace { url: url.clone() })
    }

    pub(super) fn key_of<'u>(&self, url: &'u Url) -> Result<&'u str, StorageError> {
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
pub(super) fn of_storage(error: WriteError) -> WriteError {
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
pub(super) struct Tally {
    size: u64,
    hasher: Hasher,
}

impl Tally {
    pub(super) fn add(&mut self, chunk: &[u8]) {
        self.size += chunk.len() as u64;
        self.hasher.update(chunk);
    }

    pub(super) fn finish(self) -> (ByteSize, Sha256) {
        (ByteSize::new(self.size), self.hasher.finish())
    }
}

/// Streams the bytes of an object and ends with an error if size or digest differ from those
/// expected, so that the write is abandoned.
fn verified(bytes: ByteStream, url: &Url, size: ByteSize, sha256: Sha256) -> SourceStream<'static> {
    let state = (bytes, Tally::default(), url.clone());
    Box::pin(futures::stream::try_unfold(
        state,
        move |(mut bytes, mut tally, url)| async move {
            if let Some(chunk) = bytes.try_next().await? {
                tally.add(&chunk);
                return Ok(Some((chunk, (bytes, tally, url))));
            }
            if tally.finish() == (size, sha256) {
                return Ok(None);
            }
            Err(StorageError::DigestMismatch { url }.into())
        },
    ))
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
