//! Discards leftovers of uploads that never became documents.
//!
//! - *does*: removes drafts and aborts multipart uploads that are too old to be in progress, and
//!   discards old objects that grow and that no resumable upload refers to. If
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

use domain::Timestamp;
use futures::TryStreamExt;
use queue::JobKind;
use tracing::info;

use super::batch_size::BATCH_SIZE;
use crate::attempt_error::AttemptError;
use crate::orphans::{OrphanScan, find_orphans, found_object};
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
    if !tools.places.is_store(tools.places.staging().place()) {
        strays = discard_strays(tools).await?;
    }
    strays += discard_unfinished(tools, before).await?;
    if unfinished + strays > 0 {
        info!(unfinished, strays, "discarded orphaned bytes of uploads");
    }
    Ok(())
}

/// Discards objects that grow and that no resumable upload refers to. Returns how many.
async fn discard_unfinished(tools: &Tools, before: Timestamp) -> Result<u64, AttemptError> {
    let Some(appending) = tools.places.staging().appending() else {
        return Ok(0);
    };
    let now = tools.clock.now();
    let mut discarded = 0;
    let unfinished = appending.unfinished(before).await?;
    let mut chunks = unfinished.try_chunks(BATCH_SIZE as usize);
    while let Some(chunk) = chunks.try_next().await.map_err(|error| error.1)? {
        let old = chunk.iter().filter(|entry| entry.begun_at() < before);
        let old = old.map(|entry| found_object(&tools.places, entry));
        let old = old.collect::<Result<Vec<_>, _>>()?;
        discarded += ledger::discard_strays(&tools.db, &old, now).await?;
    }
    Ok(discarded)
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
