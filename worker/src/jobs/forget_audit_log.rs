//! Deletes expired entries of the security log, and all but the latest identities of deleted users.
//!
//! - *does*: deletes their rows in batches until none is left.
//! - *safe to repeat because* nothing refers to them.
//! - *if it dies here*, the next run does the rest.
//! - *on failure* of the database, the same.

use super::batch_size::BATCH_SIZE;
use crate::attempt_error::AttemptError;
use crate::tools::Tools;

/// The identities of deleted users that are kept: more than admins delete in years.
const MOST_DELETED: u32 = 100_000;

/// Runs the job.
pub async fn forget_audit_log(tools: &Tools) -> Result<(), AttemptError> {
    let before = tools.clock.now().minus(tools.retention.audit_log);
    while ledger::forget_audit_log(&tools.db, before, BATCH_SIZE).await? > 0 {}
    while ledger::forget_deleted_identities(&tools.db, MOST_DELETED, BATCH_SIZE).await? > 0 {}
    Ok(())
}
