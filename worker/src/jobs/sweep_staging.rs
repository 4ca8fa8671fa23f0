//! Discards what uploads left behind that never became documents.
//!
//! - *does*: removes drafts and aborts multipart uploads that are too old to be under way; where
//!   staging is a place of its own, goes through it and writes down as discarded what is too old
//!   and has no row. Where it is the store as well, `sweep_store` does. In a place that isn't this
//!   installation's, or where too large a share has no row, it does nothing but tell operators.
//! - *safe to repeat because* what is gone is not found again.
//! - *if it dies here*, the rest goes next time, and what was discarded is removed by its job.
//! - *on failure* of storage or database it is tried again.
//!
//! An upload under way is never touched: it may take half of the time after which bytes are too
//! old, counted from the moment its key was made, and is refused if it takes longer. Should
//! clocks differ by more than the other half, the intake still finds that its bytes are discarded,
//! and refuses it.

use queue::JobKind;
use tracing::info;

use super::chunk::CHUNK;
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
        info!(
            unfinished,
            strays, "left-behind bytes of uploads were discarded"
        );
    }
    Ok(())
}

/// Says how many there were.
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
        for chunk in scan.held.chunks(CHUNK as usize) {
            strays += ledger::discard_strays(&tools.db, chunk, now).await?;
        }
        if !scan.is_cut_off() {
            return Ok(strays);
        }
    }
}
