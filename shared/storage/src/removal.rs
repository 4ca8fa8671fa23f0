//! The one door to the destruction of bytes. It opens only while the place carries the mark of this
//! installation, looked at right before: a place that was swapped, taken over by another ledger or
//! not mounted loses nothing, whoever asks.

use std::sync::Arc;

use tokio::sync::OnceCell;
use url::Url;

use super::key::key_within;
use super::{Mark, Storage, StorageError, StorageRouter};
use domain::{ByteSize, Sha256, Timestamp};

/// Removes objects that are removed together: the mark of each place is looked at once.
#[derive(Debug)]
pub struct Removal {
    places: StorageRouter,
    store: OnceCell<()>,
    staging: OnceCell<()>,
}

impl Removal {
    /// Nothing was looked at yet.
    pub(super) fn from(places: StorageRouter) -> Self {
        Self {
            places,
            store: OnceCell::new(),
            staging: OnceCell::new(),
        }
    }

    /// Removes the object at `url`. Removing what isn't there is a success.
    pub async fn delete(&self, url: &Url) -> Result<(), StorageError> {
        let storage = self.places.adapter_of(url)?;
        self.check(storage).await?;
        storage.delete(url).await
    }

    /// Removes what writes to `storage` that never ended left behind before `older_than`, and says
    /// how many.
    pub(super) async fn sweep(
        &self,
        storage: &Arc<dyn Storage>,
        older_than: Timestamp,
    ) -> Result<u64, StorageError> {
        self.check(storage).await?;
        storage.sweep(older_than).await
    }

    /// Whether the place is ours. Where nobody has said whose it should be, it has to be nobody's.
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

/// What destroys bytes passes the door.
impl StorageRouter {
    /// The door to the removal of objects that are removed together.
    #[must_use]
    pub fn removal(&self) -> Removal {
        Removal::from(self.clone())
    }

    /// Removes the object at `url`, if its place is ours. Removing what isn't there is a success.
    pub async fn delete(&self, url: &Url) -> Result<(), StorageError> {
        self.removal().delete(url).await
    }

    /// Writes the bytes at `source` anew at `lost`, a URL of the store whose own bytes are gone or
    /// damaged, and verifies `size` and `sha256` on the way. The source stays. Doing it again is safe.
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

    /// Removes what writes that never ended left behind before `older_than`, and says how many.
    pub async fn sweep(&self, older_than: Timestamp) -> Result<u64, StorageError> {
        let (removal, mut swept) = (self.removal(), 0);
        for storage in self.distinct() {
            swept += removal.sweep(storage, older_than).await?;
        }
        Ok(swept)
    }
}
