//! Finds objects in the store that no row refers to.
//!
//! - *does*: scans each place with documents and quarantines objects, in place, that have no row and are too old to
//!   belong to an upload in progress. Objects whose quarantine has expired are discarded if they
//!   still have no row. If the place belongs to another installation, or too large a share has no
//!   row, it only logs an error.
//! - *safe to repeat because* an object already in quarantine keeps its expiry.
//! - *if it dies here*, the next run starts over.
//! - *on failure* of storage or database it is retried; a further place that fails is left out.

use std::sync::Arc;

use domain::Timestamp;
use queue::JobKind;
use storage::Storage;
use tracing::warn;

use super::batch_size::BATCH_SIZE;
use crate::attempt_error::AttemptError;
use crate::orphans::{OrphanScan, find_orphans, object_at};
use crate::removal_guard::{FEW_STORED, PlannedSweep};
use crate::tools::Tools;

const KIND: JobKind = JobKind::SweepStore;

/// Runs the job.
pub async fn sweep_store(tools: &Tools) -> Result<(), AttemptError> {
    if !tools.removal_guard.allows(KIND).await? {
        return Ok(());
    }
    let now = tools.clock.now();
    let mut strays = 0;
    let mut is_refused = false;
    let more = tools.places.more();
    let is_further = |place: &Arc<dyn Storage>| more.iter().any(|one| one.place() == place.place());
    for place in tools.places.stores() {
        match quarantine_strays(tools, place, now).await {
            Ok(Some(found)) => strays += found,
            Ok(None) => is_refused = true,
            Err(error) if is_further(place) => warn!(
                storage.place = %place.place(),
                error = &error as &dyn std::error::Error,
                "a further place was not swept"
            ),
            Err(error) => return Err(error),
        }
    }
    if strays > 0 {
        warn!(strays, "quarantined stored bytes that no row refers to");
    }
    if is_refused {
        return Ok(());
    }
    let (db, places) = (&tools.db, &tools.places);
    let over = now.minus(tools.retention.quarantined);
    let found = |url: &str| object_at(places, url);
    while ledger::end_quarantine(db, over, BATCH_SIZE, now, found).await? > 0 {}
    Ok(())
}

/// Quarantines the strays of a place, and returns how many there were; `None` if they are too many.
async fn quarantine_strays(
    tools: &Tools,
    place: &Arc<dyn Storage>,
    now: Timestamp,
) -> Result<Option<u64>, AttemptError> {
    let before = now.minus(tools.retention.stray);
    let (db, places) = (&tools.db, &tools.places);
    let mut strays = 0;
    loop {
        let scan: OrphanScan = find_orphans::<AttemptError>(db, places, place, before).await?;
        let sweep = PlannedSweep {
            place: place.place(),
            listed: scan.listed,
            strays: scan.strays + ledger::quarantined_in(db, place.place()).await?,
            few: FEW_STORED,
        };
        let share = tools.retention.swept;
        if !tools.removal_guard.allows_sweep(KIND, &sweep, share) {
            return Ok(None);
        }
        for chunk in scan.held.chunks(BATCH_SIZE as usize) {
            strays += ledger::quarantine_strays(db, chunk, now).await?;
        }
        if !scan.is_cut_off() {
            return Ok(Some(strays));
        }
    }
}
