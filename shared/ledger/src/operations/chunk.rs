//! Runs a chunk of a bulk operation in one transaction: changes the documents, records the outcomes,
//! ends the job and enqueues the next one.
//!
//! This is the commit point of a bulk operation. Its row is locked before all others.

use super::active_chunk::{ActiveChunk, AppliedChunk};
use super::item_outcome::{due_items, previous_state_bytes, skip, write_outcomes};
use super::limits::{UndoSpace, evict_for_previous_states};
use super::running_operation::{BulkAction, RunningOperation, advance, lock_running};
use super::tell::{event_of, kind_of_end};
use crate::change::lock_documents;
use crate::jobs::{NewJob, enqueue};
use crate::settle::finish_jobs;
use crate::tables::events::insert_events;
use crate::{BACKLOG_PAUSE, Database, DatabaseTransaction, DbError, Settlement, backlog};
use crash_points::CrashPoint;
use domain::{JobId, Limits, OperationId, RunMode, Tally, Timestamp};
use queue::JobKind;

/// Items of one chunk: few enough not to block others for long, enough to share a commit.
const ITEMS: u32 = 500;

/// Items of one chunk of a cancelled operation.
const SKIPPED: i64 = 10_000;

/// A chunk to run.
#[derive(Debug)]
pub struct ChunkRequest<'a> {
    /// The operation.
    pub operation: OperationId,
    /// How the job ends with the chunk.
    pub settlement: &'a Settlement,
    /// The operator's limits.
    pub limits: &'a Limits,
    /// The current time.
    pub now: Timestamp,
}

/// The result of a chunk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Chunk {
    /// It is committed.
    Committed(ChunkDone),
    /// Its owner has too many jobs waiting: the same job is due again after [`BACKLOG_PAUSE`].
    Postponed,
    /// Another worker holds the claim; nothing was changed.
    LeaseLost,
}

/// The jobs that follow a chunk.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChunkDone {
    /// The job of the next chunk; `None` after the last.
    pub next: Option<JobId>,
    /// Jobs that process versions.
    pub processing: Vec<JobId>,
    /// The job that removes bytes.
    pub removing: Option<JobId>,
}

/// Runs the next chunk of an operation, and settles its job.
///
/// `traces` returns the URLs at which the bytes of a staged upload may be.
pub async fn run_chunk(
    db: &Database,
    request: &ChunkRequest<'_>,
    traces: impl Fn(&str) -> Vec<String> + Send + Sync,
) -> Result<Chunk, DbError> {
    let _turn = db.bulk_turn().await;
    let transaction = db.begin().await?;
    let running = lock_running(&transaction, request.operation).await?;
    if let Some(running) = &running
        && adds_to_backlog(running)
        && backlog::is_full(&transaction, running.operation.owner).await?
    {
        let until = request.now.plus(BACKLOG_PAUSE);
        if !backlog::postpone(&transaction, request.settlement.job, until).await? {
            return Ok(Chunk::LeaseLost);
        }
        transaction.commit().await?;
        return Ok(Chunk::Postponed);
    }
    let processed = match &running {
        Some(running) if running.is_cancelled => {
            cancel_remaining(&transaction, running, request).await?
        }
        Some(running) => process(&transaction, running, request, &traces).await?,
        None => finish_job(&transaction, request)
            .await?
            .then(Processed::default),
    };
    let (Some(Processed { applied, counted }), running) = (processed, running) else {
        return Ok(Chunk::LeaseLost);
    };
    let mut events = applied.events;
    let mut done = ChunkDone {
        next: None,
        processing: applied.processing,
        removing: applied.removing,
    };
    if let Some(running) = running {
        let ended = advance(&transaction, &running, counted, request.now).await?;
        match ended {
            None => done.next = Some(enqueue_next(&transaction, &running, request).await?),
            Some(end) => {
                let this = (running.operation.owner, running.operation.id);
                events.push(event_of(this, kind_of_end(&end), request.now));
            }
        }
    }
    // Last, since it holds the owner's row.
    insert_events(&transaction, &events).await?;
    crash_points::reach(CrashPoint::BeforeChunk);
    transaction.commit().await?;
    crash_points::reach(CrashPoint::AfterChunk);
    Ok(Chunk::Committed(done))
}

/// Whether its chunks enqueue versions to be processed.
fn adds_to_backlog(running: &RunningOperation) -> bool {
    matches!(running.action, BulkAction::Retry)
        && running.operation.mode == RunMode::Real
        && !running.is_cancelled
}

/// A processed chunk, before it is committed.
#[derive(Debug, Default)]
struct Processed {
    applied: AppliedChunk,
    /// The outcomes of items, and the bytes of previous states that they keep.
    counted: (Tally, i64),
}

/// Processes the next items; `None` if the claim is lost.
async fn process(
    transaction: &DatabaseTransaction,
    running: &RunningOperation,
    request: &ChunkRequest<'_>,
    traces: &(impl Fn(&str) -> Vec<String> + Send + Sync),
) -> Result<Option<Processed>, DbError> {
    let operation = &running.operation;
    // Operations are locked before documents.
    let undo_space = match &running.action {
        BulkAction::Update(_) if operation.mode == RunMode::Real => {
            let limits = &request.limits.operations;
            evict_for_previous_states(transaction, operation.owner, limits, request.now).await?
        }
        _ => UndoSpace::Available,
    };
    let items = due_items(transaction, operation.id, running.next, ITEMS).await?;
    let documents: Vec<_> = items.iter().map(|item| item.document).collect();
    let held = lock_documents(transaction, operation.owner, &documents).await?;
    if !finish_job(transaction, request).await? {
        return Ok(None);
    }
    let chunk = ActiveChunk {
        transaction,
        running,
        items: &items,
        held: &held,
        undo_space,
        limits: request.limits,
        now: request.now,
    };
    let applied = chunk.apply(traces).await?;
    let tally = write_outcomes(transaction, operation.id, &applied.outcomes).await?;
    let counted = (tally, previous_state_bytes(&applied.outcomes));
    Ok(Some(Processed { applied, counted }))
}

/// Skips the next items of a cancelled operation; `None` if the claim is lost.
async fn cancel_remaining(
    transaction: &DatabaseTransaction,
    running: &RunningOperation,
    request: &ChunkRequest<'_>,
) -> Result<Option<Processed>, DbError> {
    if !finish_job(transaction, request).await? {
        return Ok(None);
    }
    let (id, next) = (running.operation.id, running.next);
    let tally = skip(transaction, id, next..next + SKIPPED).await?;
    Ok(Some(Processed {
        applied: AppliedChunk::default(),
        counted: (tally, 0),
    }))
}

/// Ends the job; `false` if its claim is lost.
async fn finish_job(
    transaction: &DatabaseTransaction,
    request: &ChunkRequest<'_>,
) -> Result<bool, DbError> {
    let settlements = std::slice::from_ref(request.settlement);
    let held = finish_jobs(transaction, settlements, request.now).await?;
    Ok(!held.is_empty())
}

/// Enqueues the job of the next chunk, behind all jobs waiting by now.
async fn enqueue_next(
    transaction: &DatabaseTransaction,
    running: &RunningOperation,
    request: &ChunkRequest<'_>,
) -> Result<JobId, DbError> {
    let job = NewJob {
        subject: Some(request.operation.0),
        ..NewJob::without_subject(JobKind::RunOperation, running.operation.owner, request.now)
    };
    enqueue(transaction, std::slice::from_ref(&job), request.now).await?;
    Ok(job.id)
}
