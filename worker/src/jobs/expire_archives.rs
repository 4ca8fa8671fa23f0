//! Lets go of archives that are not needed any more: results that have expired, and what
//! was imported.
//!
//! - *does*: takes their URLs off the operations and lists them as discarded, in one transaction.
//! - *safe to repeat because* what was taken off is not found again.
//! - *if it dies here*, either all of a batch has happened or nothing.
//! - *on failure* of the database it is tried again.

use std::time::Duration;

use crate::attempt_error::AttemptError;
use crate::tools::Tools;

/// How long the archive of an import that could not go on is kept: an operator may have its
/// job run again.
const KEPT_AFTER_END: Duration = Duration::from_hours(24);

/// Runs the job.
pub async fn expire_archives(tools: &Tools) -> Result<(), AttemptError> {
    let now = tools.clock.now();
    let ended_before = now.minus(KEPT_AFTER_END);
    while ledger::expire_archives(&tools.db, ended_before, now).await? > 0 {}
    Ok(())
}
