//! Runs one attempt of a job in its own task, and aborts it when its lease is lost or its caller is
//! dropped.

use std::panic::resume_unwind;
use std::sync::Arc;

use tokio_util::task::AbortOnDropHandle;
use tracing::{Instrument, Span};

use crate::acknowledge::settle;
use crate::attempt_error::AttemptError;
use crate::jobs;
use crate::retry_policy::crash_loop;
use crate::tools::Tools;
use crate::work::Work;

/// Runs the handler of a job. Returns `Ok` once the job is settled.
pub async fn run(work: Arc<Work>, tools: Arc<Tools>) -> Result<(), AttemptError> {
    let result = begin(work, tools).await;
    let outcome = if result.is_ok() { "ok" } else { "error" };
    Span::current().record("job.outcome", outcome);
    result
}

async fn begin(work: Arc<Work>, tools: Arc<Tools>) -> Result<(), AttemptError> {
    if work.is_crash_loop() {
        settle(&tools, &work, crash_loop(&work)).await;
        return Ok(());
    }
    // Its own task, so that the jobs of one worker use all cores.
    let job = jobs::run(Arc::clone(&work), tools).instrument(Span::current());
    let job = AbortOnDropHandle::new(tokio::spawn(job));
    tokio::select! {
        () = work.held.lost() => Err(AttemptError::LeaseLost),
        result = job => match result {
            Ok(result) => result,
            Err(error) => match error.try_into_panic() {
                Ok(panic) => resume_unwind(panic),
                Err(error) => Err(AttemptError::internal(error)),
            },
        },
    }
}
