//! One attempt at a job: in a task of its own, ended when its lease is lost or when nobody
//! waits for it any more.

use std::panic::resume_unwind;
use std::sync::Arc;

use tokio_util::task::AbortOnDropHandle;
use tracing::{Instrument, Span};

use crate::acknowledge::settle;
use crate::fault::Fault;
use crate::jobs;
use crate::tools::Tools;
use crate::verdict::crash_loop;
use crate::work::Work;

/// Runs the handler of a job. `Ok` means that the job is settled.
pub async fn run(work: Arc<Work>, tools: Arc<Tools>) -> Result<(), Fault> {
    let result = begin(work, tools).await;
    let outcome = if result.is_ok() { "ok" } else { "error" };
    Span::current().record("job.outcome", outcome);
    result
}

async fn begin(work: Arc<Work>, tools: Arc<Tools>) -> Result<(), Fault> {
    if work.is_crash_loop() {
        settle(&tools, &work, crash_loop(&work)).await;
        return Ok(());
    }
    // A task of its own, so that jobs of one worker use all cores.
    let job = jobs::run(Arc::clone(&work), tools).instrument(Span::current());
    let job = AbortOnDropHandle::new(tokio::spawn(job));
    tokio::select! {
        () = work.held.lost() => Err(Fault::LeaseLost),
        result = job => match result {
            Ok(result) => result,
            Err(error) => match error.try_into_panic() {
                Ok(panic) => resume_unwind(panic),
                Err(error) => Err(Fault::internal(error)),
            },
        },
    }
}
