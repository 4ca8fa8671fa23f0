//! Finishes the removal of a user if the process that started it didn't.
//!
//! - *does*: deletes the remaining rows of a user marked as removed, in batches, and the user last.
//! - *safe to repeat because* deleted rows are not found again.
//! - *if it dies here*, the next attempt continues.
//! - *on failure* of the database, the same.

use domain::UserId;

use crate::attempt_error::AttemptError;
use crate::tools::Tools;
use crate::work::Work;

/// Runs the job.
pub async fn remove_user(work: &Work, tools: &Tools) -> Result<(), AttemptError> {
    let Some(user) = work.claimed.subject.map(UserId) else {
        return Ok(());
    };
    let traces = |staged: &str| tools.places.traces_of(staged);
    ledger::finish_removal(&tools.db, user, tools.clock.now(), traces).await?;
    Ok(())
}
