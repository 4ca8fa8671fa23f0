//! Deletes documents that were archived longer ago than the operator's limit.
//!
//! - *does*: deletes them in batches, as their owners could: quota is released, blobs lose
//!   references, bytes without references are listed as discarded.
//! - *safe to repeat because* deleted rows are not found again.
//! - *if it dies here*, the next run does the rest; discarded bytes are removed by their own job.
//! - *on failure* of the database, the same.

use super::batch_size::BATCH_SIZE;
use crate::attempt_error::AttemptError;
use crate::tools::Tools;

/// Runs the job.
pub async fn purge_archived(tools: &Tools) -> Result<(), AttemptError> {
    let Some(kept_for) = tools.retention.archived else {
        return Ok(());
    };
    let now = tools.clock.now();
    let before = now.minus(kept_for);
    let traces = |staged: &str| tools.places.traces_of(staged);
    while ledger::purge_archived(&tools.db, before, BATCH_SIZE, now, traces).await? > 0 {}
    Ok(())
}
