//! Runs the next chunk of a bulk operation, and enqueues another job for the one after it, behind
//! all jobs waiting by then.
//!
//! - *does*: in one transaction guarded by the fence, changes the documents of the chunk, records
//!   the outcome of each item, ends this job and enqueues the next.
//! - *safe to repeat because* the chunk and the end of its job are one commit: a processed item is
//!   behind the operation's position.
//! - *if it dies here*, the chunk is committed as a whole or not at all.
//! - *on failure* of the database it is retried; after the last attempt the operation ends in
//!   `error` together with the job.

use domain::OperationId;
use ledger::{
    BACKLOG_PAUSE, Chunk, ChunkDone, ChunkRequest, ConflictRetries, DbError, Outcome, run_chunk,
};
use queue::Queue;

use super::finish_job::finish_job;
use crate::attempt_error::AttemptError;
use crate::tools::Tools;
use crate::work::Work;

/// Runs the job.
pub async fn run_operation(work: &Work, tools: &Tools) -> Result<(), AttemptError> {
    let Some(operation) = work.claimed.subject.map(OperationId) else {
        return finish_job(work, tools).await;
    };
    match run(operation, work, tools).await? {
        Chunk::LeaseLost => Err(AttemptError::LeaseLost),
        Chunk::Postponed => {
            let (notifier, job) = (tools.notifier.clone(), work.claimed.job.id);
            notifier.job_due_in(BACKLOG_PAUSE, Queue::Bulk, job);
            Ok(())
        }
        Chunk::Committed(done) => {
            notify(operation, done, tools);
            Ok(())
        }
    }
}

async fn run(operation: OperationId, work: &Work, tools: &Tools) -> Result<Chunk, DbError> {
    let settlement = work.settlement(Outcome::Done);
    let mut retries = ConflictRetries::default();
    loop {
        let request = ChunkRequest {
            operation,
            settlement: &settlement,
            limits: &tools.limits,
            now: tools.clock.now(),
        };
        match run_chunk(&tools.db, &request, |staged| tools.places.traces_of(staged)).await {
            Err(error) if retries.should_retry(&error) => {}
            // Another transaction has just taken a unique name.
            Err(DbError::Constraint(_)) if retries.count_failure() => {}
            answer => return answer,
        }
    }
}

/// Sends notifications of what was committed.
fn notify(operation: OperationId, done: ChunkDone, tools: &Tools) {
    let notifier = &tools.notifier;
    notifier.jobs_enqueued(Queue::Ingest, done.processing);
    notifier.jobs_enqueued(Queue::Maintenance, done.removing.into_iter().collect());
    match done.next {
        Some(next) => notifier.jobs_enqueued(Queue::Bulk, vec![next]),
        None => notifier.operation_ended(operation),
    }
}
