//! Forgets operations that ended long ago, and those that had to make room.
//!
//! - *does*: hides those whose time is over, then removes the items and rows of all that are
//!   hidden, batch by batch, also of what a process left half-written.
//! - *safe to repeat because* what is hidden stays so, and each batch goes on where the former ended.
//! - *if it dies here*, the rest goes next time.
//! - *on failure* of the database the same.

use super::chunk::CHUNK;
use crate::attempt_error::AttemptError;
use crate::tools::Tools;

/// Runs the job.
pub async fn forget_operations(tools: &Tools) -> Result<(), AttemptError> {
    let now = tools.clock.now();
    let before = now.minus(tools.retention.operations);
    while ledger::expire_operations(&tools.db, before, CHUNK, now).await? > 0 {}
    while ledger::remove_expired_operation(&tools.db, tools.clock.now()).await? {}
    Ok(())
}
