//! Discards leftovers of uploads that never became documents.
//!
//! - *does*: removes drafts and aborts multipart uploads that are too old to be in progress. If
//!   staging is separate from the store, scans it and lists old objects without a row as discarded;
//!   otherwise `sweep_store` does. If the place belongs to another installation, or too large a
//!   share has no row, it only logs an error.
//! - *safe to repeat because* deleted rows are not found again.
//! - *if it dies here*, the next run does the rest; discarded bytes are removed by their own job.
//! - *on failure* of storage or database it is retried.
//!
//! An upload in progress is never touched: it may take half of the time after which bytes count as
//! old, counted from the creation of its key, and is refused if it takes longer. If clocks differ
//! by more than the other half, the intake finds that its bytes were discarded and refuses it.

use queue::JobKind;
use tracing::info;

use super::batch_size::BATCH_SIZE;
use crate::attempt_error::AttemptError;
use crate::orphans::{OrphanScan, find_orphans};
use crate::removal_guard::{FEW_STAGED, PlannedSweep};
use crate::tools::Tools;

const KIND: JobKind = JobKind::SweepStaging;

/// Runs the job.
pub async fn sweep_staging(tools: &Tools) -> Result<(), AttemptError> {
    if !tools.removal_guard.allows(KIND).await? {
        return Ok(());
    }
    let before = tools.clock.now().minus(tools.retention.stray);
    let unfinished = tools.places.sweep(before).await?;
    let mut strays = 0;
    if !tools.places.are_one() {
        strays = discard_strays(tools).await?;
    }
    if unfinished + strays > 0 {
        info!(unfinished, strays, "discarded orphaned bytes of uploads");
    }
    Ok(())
}

/// Returns how many were discarded.
async fn discard_strays(tools: &Tools) -> Result<u64, AttemptError> {
    let now = tools.clock.now();
    let before = now.minus(tools.retention.stray);
    let staging = tools.places.staging();
    let mut strays = 0;
    loop {
        let scan: OrphanScan =
            find_orphans::<AttemptError>(&tools.db, &tools.places, staging, before).await?;
        let sweep = PlannedSweep {
            place: staging.place(),
            listed: scan.listed,
            strays: scan.strays,
            few: FEW_STAGED,
        };
        let share = tools.retention.swept;
        if !tools.removal_guard.allows_sweep(KIND, &sweep, share) {
            return Ok(strays);
        }
        for chunk in scan.held.chunks(BATCH_SIZE as usize) {
            strays += ledger::discard_strays(&tools.db, chunk, now).await?;
        }
        if !scan.is_cut_off() {
            return Ok(strays);
        }
    }
}
