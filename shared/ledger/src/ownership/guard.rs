//! Compares the marks of the places with the id of the ledger, and marks places at their first use.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures::StreamExt;
use tokio::sync::OnceCell;
use tracing::info;
use url::Url;

use super::{OwnershipError, Standing};
use crate::{Database, Knowledge};
use domain::{Clock, InstallationId};
use storage::{Mark, Marking, Storage, StorageRouter};

/// Says whether the places of a process are those of its ledger; clones share what they know.
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
    /// Whether the ledger has written down that these places carry its mark.
    is_written_down: AtomicBool,
}

impl Ownership {
    /// Of the places of a process and its ledger. Nothing is asked yet.
    #[must_use]
    pub fn of(db: Database, places: StorageRouter, clock: Arc<dyn Clock>) -> Self {
        Self {
            inner: Arc::new(Inner {
                db,
                places,
                clock,
                installation: OnceCell::new(),
                is_written_down: AtomicBool::new(false),
            }),
        }
    }

    /// The id of the ledger, which is made if this is its first start.
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

    /// Whether every place carries the mark of this ledger now. One that is used for the first
    /// time gets it. While all is well, this costs one small read for each place.
    pub async fn verify(&self) -> Result<(), OwnershipError> {
        let ours = self.installation().await?;
        let standings = self.standings().await?;
        for (storage, standing) in &standings {
            standing.permit(storage.place(), ours)?;
        }
        for (storage, standing) in &standings {
            if *standing == Standing::Unmarked {
                mark(&**storage, ours).await?;
            }
        }
        self.write_down().await
    }

    /// How each place and this ledger stand to each other. Nothing is changed but the id of a
    /// ledger that has none.
    pub async fn standings(&self) -> Result<Vec<(Arc<dyn Storage>, Standing)>, OwnershipError> {
        let ours = self.installation().await?;
        let mut standings = Vec::new();
        for storage in self.inner.places.distinct() {
            let standing = match storage.mark().await? {
                Some(mark) => marked(mark, ours),
                None => self.without_mark(&**storage, ours).await?,
            };
            standings.push((Arc::clone(storage), standing));
        }
        Ok(standings)
    }

    /// A place in which no mark was found. Another process may have marked it, and have begun to
    /// use it, since that look: before the place is refused, it is looked at once more.
    async fn without_mark(
        &self,
        storage: &dyn Storage,
        ours: InstallationId,
    ) -> Result<Standing, OwnershipError> {
        let standing = self.by_knowledge(storage).await?;
        if standing == Standing::Unmarked {
            return Ok(standing);
        }
        let found = storage.mark().await?;
        Ok(found.map_or(standing, |mark| marked(mark, ours)))
    }

    /// Puts the mark of this ledger on every place, whatever mark was there: whoever had one of
    /// them before stops destroying anything in it.
    pub async fn adopt(&self) -> Result<(), OwnershipError> {
        let ours = self.installation().await?;
        for (storage, standing) in self.standings().await? {
            if standing != Standing::Ours {
                storage.set_mark(ours, Marking::Over).await?;
            }
        }
        self.write_down().await
    }

    /// How a place without a mark stands to the ledger, by what the ledger knows of it.
    async fn by_knowledge(&self, storage: &dyn Storage) -> Result<Standing, OwnershipError> {
        let db = &self.inner.db;
        let marked = crate::marked_places(db).await?;
        if marked.iter().any(|url| url == storage.place().as_str()) {
            return Ok(Standing::Lost);
        }
        let is_empty = match storage.list(None).await?.next().await {
            None => true,
            Some(found) => found.map(|_| false)?,
        };
        Ok(match crate::knowledge_of(db, storage.place()).await? {
            Knowledge::Present if is_empty => Standing::Lost,
            Knowledge::Present | Knowledge::Past => Standing::Unmarked,
            Knowledge::Nothing if is_empty => Standing::Unmarked,
            // A ledger from before there were marks may know nothing of what was left behind in
            // one of its places.
            Knowledge::Nothing if marked.is_empty() && self.knows_a_place().await? => {
                Standing::Unmarked
            }
            Knowledge::Nothing => Standing::Occupied,
        })
    }

    /// Whether the ledger knows anything of what is in its places.
    async fn knows_a_place(&self) -> Result<bool, OwnershipError> {
        for storage in self.inner.places.distinct() {
            let knowledge = crate::knowledge_of(&self.inner.db, storage.place()).await?;
            if knowledge != Knowledge::Nothing {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Writes down, once, that the places carry the mark: all of them together, so that no
    /// process finds a ledger that knows of one and not of the other.
    async fn write_down(&self) -> Result<(), OwnershipError> {
        let Inner {
            db,
            places,
            clock,
            is_written_down,
            ..
        } = &*self.inner;
        if is_written_down.load(Ordering::Acquire) {
            return Ok(());
        }
        let urls: Vec<Url> = places
            .distinct()
            .map(|storage| storage.place().clone())
            .collect();
        crate::remember_marked(db, &urls, clock.now()).await?;
        is_written_down.store(true, Ordering::Release);
        Ok(())
    }
}

/// How a place with a mark stands to the ledger.
fn marked(mark: Mark, ours: InstallationId) -> Standing {
    match mark {
        Mark::Of(found) if found == ours => Standing::Ours,
        mark => Standing::Foreign(mark),
    }
}

/// Marks a place that has no mark, unless somebody else is faster.
async fn mark(storage: &dyn Storage, ours: InstallationId) -> Result<(), OwnershipError> {
    storage.set_mark(ours, Marking::First).await?;
    let standing = match storage.mark().await? {
        Some(Mark::Of(found)) if found == ours => {
            info!(storage.place = %storage.place(), installation = %ours, "a place was marked");
            return Ok(());
        }
        Some(mark) => Standing::Foreign(mark),
        None => Standing::Lost,
    };
    standing.permit(storage.place(), ours)
}
