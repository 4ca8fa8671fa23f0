//! Decides whether bytes may be destroyed. Every cleanup asks right before it deletes, so that a
//! place that no longer belongs to this installation loses nothing, which is logged as an error, and
//! that what the ledger names when `maintenance` is paused stays until it is resumed.

use std::sync::Arc;

use domain::Share;
use ledger::ownership::{Ownership, OwnershipError};
use ledger::{Database, queue_pause};
use queue::{JobKind, Queue};
use storage::Storage;
use telemetry::{Meters, Stop};
use tracing::error;
use url::Url;

/// A sweep of the store may take this many objects whatever their share.
pub const FEW_STORED: u64 = 50;

/// The same for a place that holds only staged uploads: most of its objects are leftovers, and none
/// was promised to be kept.
pub const FEW_STAGED: u64 = 1_000;

/// Guards against removing objects of other installations, and objects of which a backup is made.
#[derive(Clone, Debug)]
pub struct RemovalGuard {
    /// Knows whether the cleanup is paused.
    pub db: Database,
    /// Verifies the marks of the places.
    pub ownership: Ownership,
    /// Counts refusals.
    pub meters: Meters,
}

/// What a sweep would remove from a place.
#[derive(Clone, Debug)]
pub struct PlannedSweep<'a> {
    /// The place.
    pub place: &'a Url,
    /// The number of objects in the place.
    pub listed: u64,
    /// How many of them would be removed, including those already quarantined.
    pub strays: u64,
    /// The number that is always allowed.
    pub few: u64,
}

impl PlannedSweep<'_> {
    /// Returns whether the sweep exceeds both the fixed number and the configured share.
    #[must_use]
    pub fn is_too_much(&self, share: Share) -> bool {
        self.strays > self.few && share.is_passed_by(self.strays, self.listed)
    }
}

impl RemovalGuard {
    /// Returns whether discarded objects may be removed: the cleanup isn't paused, and the places are
    /// ours. The caller has read before which objects these are: then no row refers to them, and none
    /// does in a copy of the database that is made after a pause that isn't seen here yet.
    pub async fn allows_removal(&self) -> Result<bool, OwnershipError> {
        let pause = queue_pause(&self.db, Queue::Maintenance).await?;
        Ok(!pause.is_paused && self.allows(JobKind::RemoveDiscarded).await?)
    }

    /// Returns whether the store and staging belong to this installation. An error means that this
    /// can't be determined now. Each removal checks the mark of its place as well, so that further
    /// places are refused one by one.
    pub async fn allows(&self, kind: JobKind) -> Result<bool, OwnershipError> {
        self.unless_refused(kind, self.ownership.verify_main().await)
    }

    /// Returns whether one of the places belongs to this installation. An error means that this can't
    /// be determined now.
    pub async fn allows_in(
        &self,
        kind: JobKind,
        place: &Arc<dyn Storage>,
    ) -> Result<bool, OwnershipError> {
        self.unless_refused(kind, self.ownership.verify_place(place).await)
    }

    fn unless_refused(
        &self,
        kind: JobKind,
        verified: Result<(), OwnershipError>,
    ) -> Result<bool, OwnershipError> {
        match verified {
            Ok(()) => Ok(true),
            Err(refusal) if refusal.is_refusal() => {
                self.meters.stopped(kind, Stop::Mark);
                error!(
                    job.kind = %kind,
                    error = &refusal as &dyn std::error::Error,
                    "nothing is removed or moved: a place does not carry the mark of this installation"
                );
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    /// Returns whether a sweep may remove this many objects.
    pub fn allows_sweep(&self, kind: JobKind, sweep: &PlannedSweep<'_>, share: Share) -> bool {
        if !sweep.is_too_much(share) {
            return true;
        }
        self.meters.stopped(kind, Stop::Share);
        error!(
            job.kind = %kind,
            storage.place = %sweep.place,
            objects = sweep.listed,
            strays = sweep.strays,
            allowed = %share,
            "nothing is removed: too many objects of a place have no row; run `dossier audit`, and raise \
             DOSSIER_MAX_SWEEP_SHARE if this is expected"
        );
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_may_go_and_a_small_share_of_many() {
        let place = "file:///store/".parse().unwrap();
        let is_too_much = |strays, listed| {
            let sweep = PlannedSweep {
                place: &place,
                listed,
                strays,
                few: FEW_STORED,
            };
            sweep.is_too_much(Share::percent(10))
        };
        assert!(!is_too_much(50, 50));
        assert!(is_too_much(51, 51));
        assert!(is_too_much(51, 509));
        assert!(!is_too_much(51, 510));
        assert!(is_too_much(1_001, 10_000));
    }
}
