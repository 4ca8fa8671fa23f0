//! Forgets idempotency keys whose time is over.
//!
//! - *does*: deletes their rows in chunks until none is old enough.
//! - *safe to repeat because* a key that is over is as good as none.
//! - *if it dies here*, the rest goes next time.
//! - *on failure* of the database the same.

use super::chunk::CHUNK;
use crate::attempt_error::AttemptError;
use crate::tools::Tools;

/// Runs the job.
pub async fn forget_requests(tools: &Tools) -> Result<(), AttemptError> {
    while ledger::forget_expired_requests(&tools.db, tools.clock.now(), CHUNK).await? > 0 {}
    Ok(())
}
