//! Finds bytes of the store that no row refers to.
//!
//! - *does*: goes through the store and puts what is too old to belong to an upload under way, and
//!   has no row, into quarantine, where it lies. Whose time in quarantine is over is discarded
//!   if there is still no row for it. In a place that isn't this installation's, or where too
//!   large a share has no row, it does nothing but tell operators.
//! - *safe to repeat because* what is in quarantine already keeps its time.
//! - *if it dies here*, the next one begins anew.
//! - *on failure* of storage or database it is tried again.

use queue::JobKind;
use tracing::warn;

use super::chunk::CHUNK;
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
    let before = now.minus(tools.retention.stray);
    let (db, places) = (&tools.db, &tools.places);
    let mut strays = 0;
    loop {
        let scan: OrphanScan =
            find_orphans::<AttemptError>(db, places, places.store(), before).await?;
        let sweep = PlannedSweep {
            place: places.store().place(),
            listed: scan.listed,
            strays: scan.strays + ledger::quarantined_in(db, places.store().place()).await?,
            few: FEW_STORED,
        };
        let share = tools.retention.swept;
        if !tools.removal_guard.allows_sweep(KIND, &sweep, share) {
            return Ok(());
        }
        for chunk in scan.held.chunks(CHUNK as usize) {
            strays += ledger::quarantine_strays(db, chunk, now).await?;
        }
        if !scan.is_cut_off() {
            break;
        }
    }
    if strays > 0 {
        warn!(
            strays,
            "stored bytes without a row were put into quarantine"
        );
    }
    let over = now.minus(tools.retention.quarantined);
    let found = |url: &str| object_at(places, url);
    while ledger::end_quarantine(db, over, CHUNK, now, found).await? > 0 {}
    Ok(())
}
