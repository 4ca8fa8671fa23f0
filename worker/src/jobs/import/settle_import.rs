//! Ends an import once the versions it created are settled.
//!
//! - *does*: settles the items whose versions are settled. Ends the operation with the last one,
//!   otherwise the job polls again after a pause.
//! - *safe to repeat because* an item is settled once.
//! - *if it dies here*, all of it is committed or nothing.
//! - *on failure* of the database it is retried.

use std::time::Duration;

use domain::OperationId;
use ledger::{ImportProgress, Outcome, StepCheck, settle_import as settle};
use queue::Queue;

use crate::attempt_error::AttemptError;
use crate::jobs::finish_job::finish_job;
use crate::tools::Tools;
use crate::work::Work;

/// The poll interval.
const PAUSE: Duration = Duration::from_millis(250);

/// Runs the job.
pub async fn settle_import(work: &Work, tools: &Tools) -> Result<(), AttemptError> {
    let Some(id) = work.claimed.subject.map(OperationId) else {
        return finish_job(work, tools).await;
    };
    let settlement = work.settlement(Outcome::Done);
    match settle(&tools.db, id, &settlement, PAUSE, tools.clock.now()).await? {
        StepCheck::Continue(ImportProgress::Waits(pause)) => {
            let job = work.claimed.job.id;
            tools.notifier.clone().job_due_in(pause, Queue::Bulk, job);
            Ok(())
        }
        StepCheck::Continue(ImportProgress::Ended(source)) => {
            let source = source.and_then(|source| source.parse().ok());
            tools.remover.remove(source.into_iter().collect());
            tools.notifier.operation_ended(id);
            Ok(())
        }
        StepCheck::Finished | StepCheck::CancelRequested => finish_job(work, tools).await,
        StepCheck::LeaseLost => Err(AttemptError::LeaseLost),
    }
}
