//! A chunk of an operation, whole in one transaction: the documents are changed, the items say
//! so, the job is done and the next one enqueued, or nothing of it has happened.
//!
//! This is the commit point of a bulk operation. Its row is locked before all others.

use super::items::{due_items, record, size_before, skip};
use super::room::{FormerRoom, room_for_former};
use super::running::{Deed, Running, Stops, advance, take};
use super::turn::{Acted, Turn};
use crate::change::hold_all;
use crate::jobs::{NewJob, enqueue};
use crate::settle::finish_jobs;
use crate::{BACKLOG_PAUSE, Database, DatabaseTransaction, DbError, Settlement, backlog};
use crash_points::CrashPoint;
use domain::{JobId, Limits, OperationId, RunMode, Tally, Timestamp};
use queue::JobKind;

/// Items of one chunk: few enough that nobody waits long for the rows it locks, enough that
/// a commit is shared by many.
const ITEMS: u32 = 500;

/// Items that are skipped at once when an operation is stopped.
const SKIPPED: i64 = 10_000;

/// A chunk to be dealt with.
#[derive(Debug)]
pub struct ChunkRequest<'a> {
    /// The operation.
    pub operation: OperationId,
    /// How the job ends if the chunk is dealt with.
    pub settlement: &'a Settlement,
    /// What the operator allows.
    pub limits: &'a Limits,
    /// The present moment.
    pub now: Timestamp,
}

/// What came of a chunk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Chunk {
    /// It is committed.
    Committed(ChunkDone),
    /// Its owner has so much waiting that it is not its turn: its job is due again after
    /// [`BACKLOG_PAUSE`].
    Later,
    /// Somebody else holds the claim: nothing was changed.
    LeaseLost,
}

/// What follows a chunk.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChunkDone {
    /// The job that deals with the next one; none if this was the last.
    pub next: Option<JobId>,
    /// Jobs that process versions.
    pub processing: Vec<JobId>,
    /// The job that removes bytes.
    pub removing: Option<JobId>,
}

/// Deals with the next chunk of an operation, and settles the job it is dealt with by.
///
/// `traces` says where the bytes of staged uploads may lie.
pub async fn run_chunk(
    db: &Database,
    request: &ChunkRequest<'_>,
    traces: impl Fn(&str) -> Vec<String> + Send + Sync,
) -> Result<Chunk, DbError> {
    let _turn = db.bulk_turn().await;
    let transaction = db.begin().await?;
    let running = take(&transaction, request.operation).await?;
    if let Some(running) = &running
        && adds_to_backlog(running)
        && backlog::is_full(&transaction, running.operation.owner).await?
    {
        let until = request.now.plus(BACKLOG_PAUSE);
        if !backlog::postpone(&transaction, request.settlement.job, until).await? {
            return Ok(Chunk::LeaseLost);
        }
        transaction.commit().await?;
        return Ok(Chunk::Later);
    }
    let dealt = match &running {
        Some(running) if running.stops == Stops::AtItsEnd => {
            deal(&transaction, running, request, &traces).await?
        }
        Some(running) => cease(&transaction, running, request).await?,
        None => finish(&transaction, request).await?.then(Done::default),
    };
    let (Some(Done { acted, counted }), running) = (dealt, running) else {
        return Ok(Chunk::LeaseLost);
    };
    let mut done = ChunkDone {
        next: None,
        processing: acted.processing,
        removing: acted.removing,
    };
    if let Some(running) = running {
        let ended = advance(&transaction, &running, counted, request.now).await?;
        if ended.is_none() {
            done.next = Some(enqueue_next(&transaction, &running, request).await?);
        }
    }
    crash_points::reach(CrashPoint::BeforeChunk);
    transaction.commit().await?;
    crash_points::reach(CrashPoint::AfterChunk);
    Ok(Chunk::Committed(done))
}

/// Whether its chunks put versions back into the queue of uploads.
fn adds_to_backlog(running: &Running) -> bool {
    matches!(running.deed, Deed::Retry)
        && running.operation.mode == RunMode::Real
        && running.stops == Stops::AtItsEnd
}

/// What was done.
#[derive(Debug, Default)]
struct Done {
    acted: Acted,
    /// What became of items, and bytes of what their documents were.
    counted: (Tally, i64),
}

/// Deals with the next items; `None` if the claim is lost.
async fn deal(
    transaction: &DatabaseTransaction,
    running: &Running,
    request: &ChunkRequest<'_>,
    traces: &(impl Fn(&str) -> Vec<String> + Send + Sync),
) -> Result<Option<Done>, DbError> {
    let operation = &running.operation;
    // Operations are locked before documents.
    let room = match &running.deed {
        Deed::Update(_) if operation.mode == RunMode::Real => {
            let limits = &request.limits.operations;
            room_for_former(transaction, operation.owner, limits, request.now).await?
        }
        _ => FormerRoom::Left,
    };
    let items = due_items(transaction, operation.id, running.next, ITEMS).await?;
    let documents: Vec<_> = items.iter().map(|item| item.document).collect();
    let held = hold_all(transaction, operation.owner, &documents).await?;
    if !finish(transaction, request).await? {
        return Ok(None);
    }
    let turn = Turn {
        transaction,
        running,
        items: &items,
        held: &held,
        room,
        limits: request.limits,
        now: request.now,
    };
    let acted = turn.act(traces).await?;
    let tally = record(transaction, operation.id, &acted.dealt).await?;
    let counted = (tally, size_before(&acted.dealt));
    Ok(Some(Done { acted, counted }))
}

/// Skips the next items; `None` if the claim is lost.
async fn cease(
    transaction: &DatabaseTransaction,
    running: &Running,
    request: &ChunkRequest<'_>,
) -> Result<Option<Done>, DbError> {
    if !finish(transaction, request).await? {
        return Ok(None);
    }
    let (id, next) = (running.operation.id, running.next);
    let tally = skip(transaction, id, next..next + SKIPPED).await?;
    Ok(Some(Done {
        acted: Acted::default(),
        counted: (tally, 0),
    }))
}

/// Ends the job, and says whether the claim still held.
async fn finish(
    transaction: &DatabaseTransaction,
    request: &ChunkRequest<'_>,
) -> Result<bool, DbError> {
    let settlements = std::slice::from_ref(request.settlement);
    let held = finish_jobs(transaction, settlements, request.now).await?;
    Ok(!held.is_empty())
}

/// The next chunk goes behind whoever waits by now.
async fn enqueue_next(
    transaction: &DatabaseTransaction,
    running: &Running,
    request: &ChunkRequest<'_>,
) -> Result<JobId, DbError> {
    let job = NewJob {
        subject: Some(request.operation.0),
        ..NewJob::without_subject(JobKind::RunOperation, running.operation.owner, request.now)
    };
    enqueue(transaction, std::slice::from_ref(&job), request.now).await?;
    Ok(job.id)
}
