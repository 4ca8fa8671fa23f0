//! Discards the staged bytes of failed versions that were not retried in time.
//!
//! - *does*: in batches, removes the URLs from the rows and lists the bytes as discarded.
//! - *safe to repeat because* a version without staged bytes is not selected again.
//! - *if it dies here*, the next run does the rest; discarded bytes are removed by their own job.
//! - *on failure* of the database, the same.

use super::batch_size::BATCH_SIZE;
use crate::attempt_error::AttemptError;
use crate::tools::Tools;

/// Runs the job.
pub async fn expire_failed(tools: &Tools) -> Result<(), AttemptError> {
    let now = tools.clock.now();
    let before = now.minus(tools.retention.failed);
    let traces = |staged: &str| tools.places.traces_of(staged);
    while ledger::expire_failed(&tools.db, before, BATCH_SIZE, now, traces).await? > 0 {}
    Ok(())
}
