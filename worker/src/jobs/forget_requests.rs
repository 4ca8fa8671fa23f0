//! Deletes expired idempotency keys.
//!
//! - *does*: deletes their rows in batches until none has expired.
//! - *safe to repeat because* an expired key has no effect.
//! - *if it dies here*, the next run does the rest.
//! - *on failure* of the database, the same.

use super::batch_size::BATCH_SIZE;
use crate::attempt_error::AttemptError;
use crate::tools::Tools;

/// Runs the job.
pub async fn forget_requests(tools: &Tools) -> Result<(), AttemptError> {
    while ledger::forget_expired_requests(&tools.db, tools.clock.now(), BATCH_SIZE).await? > 0 {}
    Ok(())
}
