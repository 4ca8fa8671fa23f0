//! The one door to the destruction of bytes. It opens only while the place carries the mark of this
//! installation, looked at right before: a place that was swapped, taken over by another ledger or
//! not mounted loses nothing, whoever asks.

use std::sync::Arc;

use tokio::sync::OnceCell;
use url::Url;

use super::{Mark, Places, Storage, StorageError};
use domain::Timestamp;

/// Removes objects that are removed together: the mark of each place is looked at once.
#[derive(Debug)]
pub struct Removal {
    places: Places,
    store: OnceCell<()>,
    staging: OnceCell<()>,
}

impl Removal {
    /// Nothing was looked at yet.
    pub(super) fn from(places: Places) -> Self {
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
