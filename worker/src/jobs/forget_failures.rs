//! Deletes documents in `error` and failed versions whose retention has expired, once their bytes
//! are gone.
//!
//! - *does*: deletes their rows in batches, as their owners could.
//! - *safe to repeat because* deleted rows are not found again.
//! - *if it dies here*, the next run does the rest.
//! - *on failure* of the database, the same.

use super::batch_size::BATCH_SIZE;
use crate::attempt_error::AttemptError;
use crate::tools::Tools;

/// Runs the job.
pub async fn forget_failures(tools: &Tools) -> Result<(), AttemptError> {
    let now = tools.clock.now();
    let before = now.minus(tools.retention.failures);
    let traces = |staged: &str| tools.places.traces_of(staged);
    while ledger::forget_failures(&tools.db, before, BATCH_SIZE, now, traces).await? > 0 {}
    Ok(())
}
