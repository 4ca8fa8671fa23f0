//! The only way to destroy bytes. Checks right before that the place carries the mark of this
//! installation, so that a place that was swapped, adopted by another ledger or not mounted loses
//! nothing.

use std::sync::Arc;

use tokio::sync::OnceCell;
use url::Url;

use super::key::key_within;
use super::{Mark, Storage, StorageError, StorageRouter};
use domain::{ByteSize, Sha256, Timestamp};

/// Removes a batch of objects, checking the mark of each place once.
#[derive(Debug)]
pub struct Removal {
    places: StorageRouter,
    store: OnceCell<()>,
    staging: OnceCell<()>,
}

impl Removal {
    /// Not checked yet.
    pub(super) fn from(places: StorageRouter) -> Self {
        Self {
            places,
            store: OnceCell::new(),
            staging: OnceCell::new(),
        }
    }

    /// Removes the object at `url`. Succeeds if it does not exist.
    pub async fn delete(&self, url: &Url) -> Result<(), StorageError> {
        let storage = self.places.adapter_of(url)?;
        self.check(storage).await?;
        storage.delete(url).await
    }

    /// Removes leftovers of unfinished writes to `storage` from before `older_than`, and returns
    /// how many were removed.
    pub(super) async fn sweep(
        &self,
        storage: &Arc<dyn Storage>,
        older_than: Timestamp,
    ) -> Result<u64, StorageError> {
        self.check(storage).await?;
        storage.sweep(older_than).await
    }

    /// Returns whether the place is ours. If no installation is set, it must be unmarked.
    pub(super) async fn check(&self, storage: &Arc<dyn Storage>) -> Result<(), StorageError> {
        let is_store = storage.place() == self.places.store().place();
        let checked = if is_store { &self.store } else { &self.staging };
        let look = async || {
            let expected = self.places.installation().map(Mark::Of);
            if storage.mark().await? == expected {
                return Ok(());
            }
            let place = storage.place().clone();
            Err(StorageError::NotOurs { place })
        };
        checked.get_or_try_init(look).await.copied()
    }
}

/// Removal of bytes goes through [`Removal`].
impl StorageRouter {
    /// Starts a removal batch.
    #[must_use]
    pub fn removal(&self) -> Removal {
        Removal::from(self.clone())
    }

    /// Removes the object at `url` if its place is ours. Succeeds if it does not exist.
    pub async fn delete(&self, url: &Url) -> Result<(), StorageError> {
        self.removal().delete(url).await
    }

    /// Rewrites `lost`, a URL of the store whose bytes are missing or damaged, with the bytes at
    /// `source`, and verifies `size` and `sha256`. Keeps the source. Safe to repeat.
    pub async fn put_back(
        &self,
        lost: &Url,
        source: &Url,
        size: ByteSize,
        sha256: Sha256,
    ) -> Result<(), StorageError> {
        let key = key_within(self.store().place(), lost);
        let key = key.ok_or_else(|| StorageError::UnknownPlace { url: lost.clone() })?;
        self.removal().check(self.store()).await?;
        self.copy(source, key, size, sha256).await
    }

    /// Removes leftovers of unfinished writes from before `older_than`, and returns how many were
    /// removed.
    pub async fn sweep(&self, older_than: Timestamp) -> Result<u64, StorageError> {
        let (removal, mut swept) = (self.removal(), 0);
        for storage in self.distinct() {
            swept += removal.sweep(storage, older_than).await?;
        }
        Ok(swept)
    }
}
