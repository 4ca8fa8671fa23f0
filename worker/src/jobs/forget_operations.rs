//! Deletes operations that have expired, and those hidden to make room for new ones.
//!
//! - *does*: hides expired operations, then deletes the items and rows of all hidden ones in
//!   batches, including drafts that a process left unfinished.
//! - *safe to repeat because* a hidden operation stays hidden, and each batch continues where the
//!   last one ended.
//! - *if it dies here*, the next run does the rest.
//! - *on failure* of the database, the same.

use super::batch_size::BATCH_SIZE;
use crate::attempt_error::AttemptError;
use crate::tools::Tools;

/// Runs the job.
pub async fn forget_operations(tools: &Tools) -> Result<(), AttemptError> {
    let now = tools.clock.now();
    let before = now.minus(tools.retention.operations);
    while ledger::expire_operations(&tools.db, before, BATCH_SIZE, now).await? > 0 {}
    while ledger::remove_expired_operation(&tools.db, tools.clock.now()).await? {}
    Ok(())
}
