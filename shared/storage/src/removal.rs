//! The only way to destroy bytes. Checks right before that the place carries the mark of this
//! installation, so that a place that was swapped, adopted by another ledger or not mounted loses
//! nothing.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use url::Url;

use super::error::Untried;
use super::{Mark, Storage, StorageError, StorageRouter};
use domain::{ByteSize, Sha256, Timestamp};

/// Removes a batch of objects, checking the mark of each place once.
#[derive(Debug)]
pub struct Removal {
    places: StorageRouter,
    /// The places that were found to be ours.
    checked: Mutex<HashSet<Url>>,
    /// How many removals in a row each place didn't answer.
    unanswered: Mutex<HashMap<Url, u32>>,
}

/// The failures in a row after which nothing more is tried in a place.
const GIVEN_UP: u32 = 8;

impl Removal {
    /// Not checked yet.
    pub(super) fn from(places: StorageRouter) -> Self {
        Self {
            places,
            checked: Mutex::default(),
            unanswered: Mutex::default(),
        }
    }

    /// Removes the object at `url`. Succeeds if it does not exist.
    pub async fn delete(&self, url: &Url) -> Result<(), StorageError> {
        let storage = self.places.adapter_of(url)?;
        if self.is_down(storage.place()) {
            return Err(StorageError::Unavailable {
                action: "delete",
                source: Untried.into(),
            });
        }
        let deleted = match self.check(storage).await {
            Ok(()) => storage.delete(url).await,
            refused => refused,
        };
        let failed = deleted.as_ref().is_err_and(StorageError::is_unanswered);
        let mut unanswered = self.unanswered();
        let failures = unanswered.entry(storage.place().clone()).or_default();
        *failures = if failed { *failures + 1 } else { 0 };
        drop(unanswered);
        deleted
    }

    /// Returns whether a place didn't answer several times in a row. One that refuses to remove some
    /// objects may remove others.
    #[must_use]
    pub fn is_down(&self, place: &Url) -> bool {
        self.unanswered()
            .get(place)
            .is_some_and(|failures| *failures >= GIVEN_UP)
    }

    fn unanswered(&self) -> MutexGuard<'_, HashMap<Url, u32>> {
        self.unanswered
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
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
        let checked = || self.checked.lock().unwrap_or_else(PoisonError::into_inner);
        if checked().contains(storage.place()) {
            return Ok(());
        }
        let expected = self.places.installation().map(Mark::Of);
        let place = storage.place().clone();
        if storage.mark().await? != expected {
            return Err(StorageError::NotOurs { place });
        }
        checked().insert(place);
        Ok(())
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

    /// Rewrites `lost`, a URL of a place whose bytes are missing or damaged, with the bytes at
    /// `source`, and verifies `size` and `sha256`. Keeps the source. Safe to repeat.
    pub async fn put_back(
        &self,
        lost: &Url,
        source: &Url,
        size: ByteSize,
        sha256: Sha256,
    ) -> Result<(), StorageError> {
        self.removal().check(self.adapter_of(lost)?).await?;
        self.copy(source, lost, (size, sha256), |bytes| bytes).await
    }

    /// Removes leftovers of unfinished writes from before `older_than`, and returns how many were
    /// removed. Nothing is written to further places any more: what is left there may wait until
    /// they answer.
    pub async fn sweep(&self, older_than: Timestamp) -> Result<u64, StorageError> {
        let (removal, mut swept) = (self.removal(), 0);
        for storage in self.main() {
            swept += removal.sweep(storage, older_than).await?;
        }
        for storage in self.more() {
            match removal.sweep(storage, older_than).await {
                Ok(more) => swept += more,
                Err(error) => {
                    tracing::warn!(
                        storage.place = %storage.place(),
                        error = &error as &dyn std::error::Error,
                        "a further place was not swept"
                    );
                }
            }
        }
        Ok(swept)
    }
}
