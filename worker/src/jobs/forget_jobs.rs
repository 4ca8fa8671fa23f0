//! Deletes jobs that ended long ago.
//!
//! - *does*: deletes their rows in batches. Dead jobs are kept longer, for operators; jobs with a
//!   dedupe key until the key can't recur.
//! - *safe to repeat because* nothing refers to a finished job.
//! - *if it dies here*, the next run does the rest.
//! - *on failure* of the database, the same.

use domain::Retention;
use ledger::FinishedBefore;

use super::batch_size::BATCH_SIZE;
use crate::attempt_error::AttemptError;
use crate::tools::Tools;

/// Runs the job.
pub async fn forget_jobs(tools: &Tools) -> Result<(), AttemptError> {
    let now = tools.clock.now();
    let before = FinishedBefore {
        done: now.minus(Retention::DONE_JOBS),
        keyed: now.minus(Retention::KEYED_JOBS),
        dead: now.minus(tools.retention.dead_jobs),
    };
    while ledger::forget_finished_jobs(&tools.db, before, BATCH_SIZE).await? > 0 {}
    Ok(())
}
