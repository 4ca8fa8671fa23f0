//! Ends a job that has nothing to do.

use ledger::Outcome;

use crate::attempt_error::AttemptError;
use crate::tools::Tools;
use crate::work::Work;

/// Ends the job of an operation that has ended or is gone.
pub async fn finish_job(work: &Work, tools: &Tools) -> Result<(), AttemptError> {
    tools
        .committer
        .commit(work.settlement(Outcome::Done))
        .await?;
    Ok(())
}
