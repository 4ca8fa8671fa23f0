//! The places in use: where uploads are staged, where documents are stored, and which adapter
//! serves a URL. Everything that reads or writes bytes calls this, never an adapter.

use std::path::Path;
use std::sync::{Arc, OnceLock};

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

/// Where uploads are staged and where documents are stored; the same place, perhaps.
#[derive(Clone, Debug)]
pub struct Places {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    staging: Arc<dyn Storage>,
    store: Arc<dyn Storage>,
    free_space: FreeSpace,
    /// Whose the places should be, once that is known.
    installation: Arc<OnceLock<InstallationId>>,
}

/// Bytes that lie durably in staging.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Staged {
    /// Where they are.
    pub url: Url,
    /// When they began to come in.
    pub begun_at: Timestamp,
    /// How many there are.
    pub size: ByteSize,
    /// Their digest, computed as they came in.
    pub sha256: Sha256,
}

/// Bytes that lie durably in the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Where they are.
    pub url: Url,
    /// Where they may still lie in staging as well, for the caller to delete.
    pub leftover: Option<Url>,
}

impl Places {
    /// From adapters; tests wrap them in decorators. `staging` and `store` may serve the same place.
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

    /// Places of the same installation behind other adapters: decorators, or one of the two alone.
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

    /// The same places, which stage nothing while `free_space` is low.
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

    /// Says whose mark the places have to carry before anything in them is destroyed: known to all
    /// clones. Whoever says so first is believed: a ledger keeps its id.
    pub fn belong_to(&self, installation: InstallationId) {
        let known = self.inner.installation.get_or_init(|| installation);
        debug_assert_eq!(*known, installation, "a ledger keeps its id");
    }

    /// Whose they should be.
    pub(super) fn installation(&self) -> Option<InstallationId> {
        self.inner.installation.get().copied()
    }

    /// Whether there is room for anything new. What was accepted is settled all the same.
    pub fn check_room(&self) -> Result<(), StorageError> {
        if self.inner.free_space.is_low() {
            return Err(StorageError::Full);
        }
        Ok(())
    }

    /// From the operator's URLs. Folders are made; clients of S3 take their credentials from
    /// the standard AWS environment. The places must be the same or lie apart.
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

    /// The place in which the file or folder at `path`, which has to be there, lies by whatever name.
    pub async fn place_around(&self, path: &Path) -> Result<Option<&Url>, StorageError> {
        for storage in self.distinct() {
            if Local::lies_within(path, storage.place()).await? {
                return Ok(Some(storage.place()));
            }
        }
        Ok(None)
    }

    /// The adapter of each place: two, or one if uploads are staged where they are stored.
    pub fn distinct(&self) -> impl Iterator<Item = &Arc<dyn Storage>> {
        let staging = (!self.are_one()).then(|| self.staging());
        [self.store()].into_iter().chain(staging)
    }

    /// The adapter of the place where uploads are staged: for those who list or sweep it.
    #[must_use]
    pub fn staging(&self) -> &Arc<dyn Storage> {
        &self.inner.staging
    }

    /// The adapter of the place where documents are stored: for those who list or sweep it.
    #[must_use]
    pub fn store(&self) -> &Arc<dyn Storage> {
        &self.inner.store
    }

    /// Whether uploads are staged where they are stored.
    #[must_use]
    pub fn are_one(&self) -> bool {
        self.staging().place() == self.store().place()
    }

    /// Streams bytes into staging under a new key while counting and hashing them. They are
    /// durable when this returns. A call that is dropped or fails leaves nothing, save where
    /// the process dies or the backend does not answer: that is found by listing. It fails, even
    /// on its way, when there is too little room for anything new.
    ///
    /// This is the service's own; [`Self::stage_for`] says on whose behalf.
    pub async fn stage(
        &self,
        now: Timestamp,
        source: SourceStream<'_>,
    ) -> Result<Staged, WriteError> {
        self.stage_for(Writer::Service, now, source).await
    }

    /// Does what [`Self::stage`] does, at the charge of `writer`.
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
        })
    }

    /// Opens the object at `url`, whole or in part.
    pub async fn open(&self, url: &Url, range: Option<Range>) -> Result<ByteStream, StorageError> {
        self.adapter_of(url)?.open(url, range).await
    }

    /// What is known of the object at `url`; `None` if there is none.
    pub async fn stat(&self, url: &Url) -> Result<Option<Stat>, StorageError> {
        self.adapter_of(url)?.stat(url).await
    }

    /// Where the staged bytes are now: at `staged`, or in the store already, where a former
    /// attempt took them before it died. `None` if they are gone.
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

    /// Takes staged bytes into the store by the cheapest safe way: adopted where they lie if
    /// that is the store, else renamed or copied by the backend, else copied through this
    /// process, which verifies `size` and `sha256`. Doing it again is safe.
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
        // A copy is seen only when it has been verified, so one that is there is whole.
        if present.is_none_or(|stat| stat.size != size) {
            self.copy(staged, key, size, sha256).await?;
        }
        Ok(Taken {
            url: target,
            leftover: Some(staged.clone()),
        })
    }

    /// Every URL at which bytes of this staged upload may lie, for those who remove them.
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

    /// Where the bytes of an object of either place were staged, if they came from there: under
    /// the same key.
    pub fn origin_of(&self, url: &Url) -> Result<Url, StorageError> {
        Ok(url_of(self.staging().place(), self.key_of(url)?))
    }

    /// The traces of a URL that was written down as text; none if it isn't one.
    #[must_use]
    pub fn traces_of(&self, staged: &str) -> Vec<String> {
        let traces = staged.parse().map(|staged| self.traces(&staged));
        let traces = traces.unwrap_or_default();
        traces.into_iter().map(String::from).collect()
    }

    /// Whether both places can be reached and written to.
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
            // The source is a place of ours: its errors are storage's.
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

    fn key_of<'u>(&self, url: &'u Url) -> Result<&'u str, StorageError> {
        key_within(self.adapter_of(url)?.place(), url)
            .ok_or_else(|| StorageError::UnknownPlace { url: url.clone() })
    }

    /// Where the store has, or will have, what was staged at `staged`: under the same key,
    /// so that a second attempt finds what the first one did.
    fn target_of(&self, staged: &Url) -> Result<Url, StorageError> {
        Ok(url_of(self.store().place(), self.key_of(staged)?))
    }
}

/// An error of storage may have come by way of the source, as that of a full disk does.
fn of_storage(error: WriteError) -> WriteError {
    match error {
        WriteError::Source(source) => match source.downcast::<StorageError>() {
            Ok(error) => WriteError::Storage(*error),
            Err(source) => WriteError::Source(source),
        },
        error @ WriteError::Storage(_) => error,
    }
}

/// Counts and hashes bytes as they stream by.
#[derive(Default)]
struct Tally {
    size: u64,
    hasher: Hasher,
}

impl Tally {
    fn add(&mut self, chunk: &[u8]) {
        self.size += chunk.len() as u64;
        self.hasher.update(chunk);
    }

    fn finish(self) -> (ByteSize, Sha256) {
        (ByteSize::new(self.size), self.hasher.finish())
    }
}

/// The bytes of an object, which break off at their end if they are not those that were
/// expected: nobody keeps what broke off.
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

/// A write under a key that nobody else knows. If it is dropped unsettled, what the write may
/// have left is removed in the background.
struct Unsettled {
    url: Url,
    places: Option<Places>,
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
                tracing::debug!(storage.url = %url, %error, "an unfinished upload is left to the cleanup");
            }
        });
    }
}

#[cfg(test)]
mod tests;
