//! Discards archives that are no longer needed: expired export results and imported archives.
//!
//! - *does*: removes their URLs from the operations and lists them as discarded, in one
//!   transaction.
//! - *safe to repeat because* a removed URL is not found again.
//! - *if it dies here*, a batch is committed as a whole or not at all.
//! - *on failure* of the database it is retried.

use std::time::Duration;

use crate::attempt_error::AttemptError;
use crate::tools::Tools;

/// How long the archive of a failed import is kept, so that an operator can retry its job.
const KEPT_AFTER_END: Duration = Duration::from_hours(24);

/// Runs the job.
pub async fn expire_archives(tools: &Tools) -> Result<(), AttemptError> {
    let now = tools.clock.now();
    let ended_before = now.minus(KEPT_AFTER_END);
    while ledger::expire_archives(&tools.db, ended_before, now).await? > 0 {}
    Ok(())
}
