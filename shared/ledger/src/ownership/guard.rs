//! Compares the marks of the places with the id of the ledger, and marks places at their first use.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use futures::StreamExt;
use tokio::sync::OnceCell;
use tracing::{info, warn};
use url::Url;

use super::{OwnershipError, PlaceState};
use crate::{Database, PlaceUse};
use domain::{Clock, InstallationId};
use storage::{Mark, Marking, Storage, StorageRouter};

/// Checks whether the places of a process belong to its ledger; clones share what they know.
#[derive(Clone, Debug)]
pub struct Ownership {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    db: Database,
    places: StorageRouter,
    clock: Arc<dyn Clock>,
    installation: OnceCell<InstallationId>,
    /// The places of which the ledger has recorded that they carry its mark.
    recorded_marks: Mutex<HashSet<Url>>,
}

impl Ownership {
    /// Creates a guard for the places of a process and its ledger. Nothing is read yet.
    #[must_use]
    pub fn of(db: Database, places: StorageRouter, clock: Arc<dyn Clock>) -> Self {
        Self {
            inner: Arc::new(Inner {
                db,
                places,
                clock,
                installation: OnceCell::new(),
                recorded_marks: Mutex::default(),
            }),
        }
    }

    /// Returns the id of the ledger, which is created at its first start.
    pub async fn installation(&self) -> Result<InstallationId, OwnershipError> {
        let Inner {
            db,
            clock,
            installation,
            places,
            ..
        } = &*self.inner;
        let id = installation
            .get_or_try_init(|| crate::installation(db, clock.now()))
            .await?;
        places.belong_to(*id);
        Ok(*id)
    }

    /// Returns whether every place carries the mark of this ledger now. One that is used for the
    /// first time is marked. Normally this costs one small read for each place. A further place
    /// that doesn't answer is left out: nothing is removed there before it was verified.
    pub async fn verify(&self) -> Result<(), OwnershipError> {
        let places = &self.inner.places;
        let mut states = Vec::new();
        for storage in places.main() {
            states.push((Arc::clone(storage), self.state_of(storage).await?));
        }
        for storage in places.more() {
            match self.state_of(storage).await {
                Ok(state) => states.push((Arc::clone(storage), state)),
                Err(OwnershipError::Storage(error)) => warn!(
                    storage.place = %storage.place(),
                    error = &error as &dyn std::error::Error,
                    "a further place doesn't answer"
                ),
                Err(error) => return Err(error),
            }
        }
        self.settle(&states).await
    }

    /// The same of the store and of staging alone, without which nothing works.
    pub async fn verify_main(&self) -> Result<(), OwnershipError> {
        let mut states = Vec::new();
        for storage in self.inner.places.main() {
            states.push((Arc::clone(storage), self.state_of(storage).await?));
        }
        self.settle(&states).await
    }

    /// The same of one place.
    pub async fn verify_place(&self, storage: &Arc<dyn Storage>) -> Result<(), OwnershipError> {
        let state = self.state_of(storage).await?;
        self.settle(&[(Arc::clone(storage), state)]).await
    }

    /// Marks those of the places that have no mark, if all of them may be used.
    async fn settle(
        &self,
        states: &[(Arc<dyn Storage>, PlaceState)],
    ) -> Result<(), OwnershipError> {
        let ours = self.installation().await?;
        for (storage, state) in states {
            state.permit(storage.place(), ours)?;
        }
        for (storage, state) in states {
            if *state == PlaceState::Unmarked {
                mark(&**storage, ours).await?;
            }
        }
        let urls = states.iter().map(|(storage, _)| storage.place().clone());
        self.record_marks(urls.collect()).await
    }

    /// Returns the state of each place. Changes nothing, except that it creates the id of a new
    /// ledger.
    pub async fn states(&self) -> Result<Vec<(Arc<dyn Storage>, PlaceState)>, OwnershipError> {
        let mut states = Vec::new();
        for storage in self.inner.places.distinct() {
            states.push((Arc::clone(storage), self.state_of(storage).await?));
        }
        Ok(states)
    }

    /// Returns the state of one place. Changes nothing, except that it creates the id of a new ledger.
    pub async fn state_of(&self, storage: &Arc<dyn Storage>) -> Result<PlaceState, OwnershipError> {
        let ours = self.installation().await?;
        match storage.mark().await? {
            Some(mark) => Ok(state_by_mark(mark, ours)),
            None => self.state_without_mark(&**storage, ours).await,
        }
    }

    /// The state of a place in which no mark was found. Another process may have marked and used it
    /// since that read, so it is read once more before the place is refused.
    async fn state_without_mark(
        &self,
        storage: &dyn Storage,
        ours: InstallationId,
    ) -> Result<PlaceState, OwnershipError> {
        let state = self.state_by_knowledge(storage).await?;
        if state == PlaceState::Unmarked {
            return Ok(state);
        }
        let found = storage.mark().await?;
        Ok(found.map_or(state, |mark| state_by_mark(mark, ours)))
    }

    /// Writes the mark of this ledger to every place, whatever mark was there: the ledger that had
    /// a place before stops removing anything in it.
    pub async fn adopt(&self) -> Result<(), OwnershipError> {
        let ours = self.installation().await?;
        for (storage, state) in self.states().await? {
            if state != PlaceState::Ours {
                storage.set_mark(ours, Marking::Over).await?;
            }
        }
        let places = self.inner.places.distinct();
        self.record_marks(places.map(|storage| storage.place().clone()).collect())
            .await
    }

    /// The state of a place without a mark, by what the ledger knows of its objects.
    async fn state_by_knowledge(
        &self,
        storage: &dyn Storage,
    ) -> Result<PlaceState, OwnershipError> {
        let db = &self.inner.db;
        let marked = crate::marked_places(db).await?;
        if marked.iter().any(|url| url == storage.place().as_str()) {
            return Ok(PlaceState::Lost);
        }
        let is_empty = match storage.list(None).await?.next().await {
            None => true,
            Some(found) => found.map(|_| false)?,
        };
        Ok(match crate::place_use(db, storage.place()).await? {
            PlaceUse::Current if is_empty => PlaceState::Lost,
            PlaceUse::Current | PlaceUse::Past => PlaceState::Unmarked,
            PlaceUse::Never if is_empty => PlaceState::Unmarked,
            // A ledger from before marks existed may know nothing of the orphans in one of its
            // places.
            PlaceUse::Never if marked.is_empty() && self.knows_a_place().await? => {
                PlaceState::Unmarked
            }
            PlaceUse::Never => PlaceState::Occupied,
        })
    }

    /// Whether the ledger knows any object of its places.
    async fn knows_a_place(&self) -> Result<bool, OwnershipError> {
        for storage in self.inner.places.distinct() {
            let used = crate::place_use(&self.inner.db, storage.place()).await?;
            if used != PlaceUse::Never {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Records once that these places carry the mark: all of them together, so that no process
    /// finds a ledger that knows only one of them.
    async fn record_marks(&self, places: Vec<Url>) -> Result<(), OwnershipError> {
        let Inner {
            db,
            clock,
            recorded_marks,
            ..
        } = &*self.inner;
        let recorded = || {
            recorded_marks
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
        };
        if places.iter().all(|place| recorded().contains(place)) {
            return Ok(());
        }
        crate::remember_marked(db, &places, clock.now()).await?;
        recorded().extend(places);
        Ok(())
    }
}

/// The state of a place with a mark.
fn state_by_mark(mark: Mark, ours: InstallationId) -> PlaceState {
    match mark {
        Mark::Of(found) if found == ours => PlaceState::Ours,
        mark => PlaceState::Foreign(mark),
    }
}

/// Marks a place that has no mark, unless another process was faster.
async fn mark(storage: &dyn Storage, ours: InstallationId) -> Result<(), OwnershipError> {
    storage.set_mark(ours, Marking::First).await?;
    let state = match storage.mark().await? {
        Some(Mark::Of(found)) if found == ours => {
            info!(storage.place = %storage.place(), installation = %ours, "a place was marked");
            return Ok(());
        }
        Some(mark) => PlaceState::Foreign(mark),
        None => PlaceState::Lost,
    };
    state.permit(storage.place(), ours)
}
