//! The end of a job whose import is over.

use ledger::Outcome;

use crate::fault::Fault;
use crate::tools::Tools;
use crate::work::Work;

/// Ends a job that finds nothing to do.
pub async fn over(work: &Work, tools: &Tools) -> Result<(), Fault> {
    tools.settler.settle(work.settlement(Outcome::Done)).await?;
    Ok(())
}
