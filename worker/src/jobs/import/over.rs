//! Ends a job whose import has finished.

use ledger::Outcome;

use crate::attempt_error::AttemptError;
use crate::tools::Tools;
use crate::work::Work;

/// Ends a job that has nothing to do.
pub async fn over(work: &Work, tools: &Tools) -> Result<(), AttemptError> {
    tools
        .committer
        .commit(work.settlement(Outcome::Done))
        .await?;
    Ok(())
}
