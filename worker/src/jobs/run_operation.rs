//! Deals with the next chunk of a bulk operation, and leaves the one after it to another job,
//! which goes behind whoever waits by then.
//!
//! - *does*: in one transaction, guarded by the fence, changes the documents of the chunk, writes
//!   what became of each item, ends this job and enqueues the next.
//! - *safe to repeat because* the chunk and the end of its job are one commit: an item that was
//!   dealt with is behind the operation's position.
//! - *if it dies here*, either all of the chunk has happened or nothing.
//! - *on failure* of the database it is tried again; after the last attempt the operation ends
//!   in `error` with the job.

use domain::OperationId;
use ledger::{BACKLOG_PAUSE, Chunk, ChunkDone, ChunkRequest, DbError, Outcome, Tries, run_chunk};
use queue::Queue;

use crate::attempt_error::AttemptError;
use crate::tools::Tools;
use crate::work::Work;

/// Runs the job.
pub async fn run_operation(work: &Work, tools: &Tools) -> Result<(), AttemptError> {
    let Some(operation) = work.claimed.subject.map(OperationId) else {
        tools
            .committer
            .commit(work.settlement(Outcome::Done))
            .await?;
        return Ok(());
    };
    match deal(operation, work, tools).await? {
        Chunk::LeaseLost => Err(AttemptError::LeaseLost),
        Chunk::Later => {
            let (notifier, job) = (tools.notifier.clone(), work.claimed.job.id);
            notifier.job_due_in(BACKLOG_PAUSE, Queue::Bulk, job);
            Ok(())
        }
        Chunk::Committed(done) => {
            spread(operation, done, tools);
            Ok(())
        }
    }
}

async fn deal(operation: OperationId, work: &Work, tools: &Tools) -> Result<Chunk, DbError> {
    let settlement = work.settlement(Outcome::Done);
    let mut tries = Tries::default();
    loop {
        let request = ChunkRequest {
            operation,
            settlement: &settlement,
            limits: &tools.limits,
            now: tools.clock.now(),
        };
        match run_chunk(&tools.db, &request, |staged| tools.places.traces_of(staged)).await {
            Err(error) if tries.again(&error) => {}
            // A unique name was taken at the last moment.
            Err(DbError::Constraint(_)) if tries.is_left() => {}
            answer => return answer,
        }
    }
}

/// Passes on word of what was committed.
fn spread(operation: OperationId, done: ChunkDone, tools: &Tools) {
    let notifier = &tools.notifier;
    notifier.jobs_enqueued(Queue::Ingest, done.processing);
    notifier.jobs_enqueued(Queue::Maintenance, done.removing.into_iter().collect());
    match done.next {
        Some(next) => notifier.jobs_enqueued(Queue::Bulk, vec![next]),
        None => notifier.operation_ended(operation),
    }
}
