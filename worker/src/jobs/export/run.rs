//! Writes the archive of an export directly into staging, from its first item.
//!
//! - *does*: reads documents ahead in bounded numbers, compresses them, and streams the archive
//!   into staging while recording the outcome of each item. The last transaction makes the archive
//!   readable.
//! - *safe to repeat because* the archive is invisible until the transaction that ends operation
//!   and job; another attempt starts with the first item and a new archive.
//! - *if it dies here*, a partial archive remains in staging without a row; the cleanup removes it.
//! - *on failure* of storage or ledger it is retried; documents that can't be read are left out and
//!   their items fail.

use domain::{OperationId, RunMode};
use futures::StreamExt;
use ledger::{
    Export, ExportEnd, Exported, Outcome, StepCheck, begin_export, export_items, finish_export,
    record_export,
};
use storage::{Staged, WriteError, Writer};
use tokio::sync::mpsc;

use super::budget::{Budget, Reservation};
use super::entries::Entries;
use super::file_limit::FileLimit;
use super::pieces::{Piece, Unfinished, as_source};
use super::read_ahead;
use crate::attempt_error::AttemptError;
use crate::jobs::finish_job::finish_job;
use crate::tools::Tools;
use crate::work::Work;

/// Pieces that may wait for storage.
const PIECES: usize = 8;

/// Items whose outcomes are recorded in one transaction.
const GROUP: usize = 256;

/// The most bytes written between checks for a cancel request.
const BYTES_BETWEEN: u64 = 64 << 20;

/// Items that a dry run checks in one batch.
const JUDGED: u32 = 500;

/// Runs the job.
pub async fn export(work: &Work, tools: &Tools) -> Result<(), AttemptError> {
    let Some(id) = work.claimed.subject.map(OperationId) else {
        return finish_job(work, tools).await;
    };
    let end = match begin_export(&tools.db, id, work.claimed.job, tools.clock.now()).await? {
        StepCheck::Finished => return finish_job(work, tools).await,
        StepCheck::LeaseLost => return Err(AttemptError::LeaseLost),
        StepCheck::CancelRequested => ExportEnd::Cancelled,
        StepCheck::Continue(export) => match export.mode {
            RunMode::Dry => judge(&export, work, tools).await?,
            RunMode::Real => write(&export, work, tools).await?,
        },
    };
    let settlement = work.settlement(Outcome::Done);
    let finished = finish_export(&tools.db, id, &settlement, &end, tools.clock.now()).await?;
    match finished {
        StepCheck::Continue(()) => {}
        // The owner was removed, and the operation with them.
        StepCheck::Finished => discard(end, tools),
        StepCheck::LeaseLost => {
            discard(end, tools);
            return Err(AttemptError::LeaseLost);
        }
        StepCheck::CancelRequested => return Err(AttemptError::internal(Unfinished)),
    }
    tools.notifier.operation_ended(id);
    Ok(())
}

/// An archive that no row refers to.
fn discard(end: ExportEnd, tools: &Tools) {
    if let ExportEnd::Written(archive) = end {
        tools.remover.remove(vec![archive.url]);
    }
}

/// Records what would happen to each item.
async fn judge(export: &Export, work: &Work, tools: &Tools) -> Result<ExportEnd, AttemptError> {
    let mut position = 0;
    let mut limit = FileLimit::of(tools);
    loop {
        let items = export_items(&tools.db, export, position, JUDGED).await?;
        let Some(last) = items.last() else {
            return Ok(ExportEnd::Dry);
        };
        position = last.position + 1;
        let exported: Vec<_> = items
            .iter()
            .map(|item| Exported {
                position: item.position,
                failure: limit.judge(item),
            })
            .collect();
        match record_export(&tools.db, export.id, work.claimed.job, &exported).await? {
            StepCheck::Continue(()) => {}
            StepCheck::CancelRequested | StepCheck::Finished => return Ok(ExportEnd::Cancelled),
            StepCheck::LeaseLost => return Err(AttemptError::LeaseLost),
        }
    }
}

/// Writes the archive.
async fn write(export: &Export, work: &Work, tools: &Tools) -> Result<ExportEnd, AttemptError> {
    tools.places.check_room()?;
    let mut budget = Budget::new(export, work, tools);
    match budget.covers_documents().await? {
        Reservation::Made => {}
        Reservation::NoRoom => return Ok(ExportEnd::NoRoom),
        Reservation::Cancelled => return Ok(ExportEnd::Cancelled),
    }
    let (sender, receiver) = mpsc::channel(PIECES);
    let (writer, now) = (Writer::User(export.owner), tools.clock.now());
    let staging = tools.places.stage_for(writer, now, as_source(receiver));
    let writing = write_entries(&mut budget, export, work, tools, sender);
    let (staged, written) = tokio::join!(staging, writing);
    match (staged, written) {
        (Ok(archive), Ok(Written::Whole)) => Ok(ExportEnd::Written(archive)),
        (Ok(archive), Ok(Written::Stopped)) => Ok(unwanted(archive, tools)),
        (Err(_), Ok(Written::Stopped)) => Ok(ExportEnd::Cancelled),
        // Interrupted: nothing of it was kept.
        (_, Ok(Written::WithoutRoom)) => Ok(ExportEnd::NoRoom),
        (Err(WriteError::Storage(error)), _) => Err(error.into()),
        (_, Err(fault)) => Err(fault),
        (Err(WriteError::Source(error)), Ok(Written::Whole)) => Err(AttemptError::internal(error)),
    }
}

/// Complete, but the operation was cancelled.
fn unwanted(archive: Staged, tools: &Tools) -> ExportEnd {
    tools.remover.remove(vec![archive.url]);
    ExportEnd::Cancelled
}

/// The result of writing.
enum Written {
    Whole,
    Stopped,
    WithoutRoom,
}

impl Written {
    /// Ends the export because the allowance is used up.
    const fn without(reservation: Reservation) -> Option<Self> {
        match reservation {
            Reservation::Made => None,
            Reservation::NoRoom => Some(Self::WithoutRoom),
            Reservation::Cancelled => Some(Self::Stopped),
        }
    }
}

async fn write_entries(
    budget: &mut Budget<'_>,
    export: &Export,
    work: &Work,
    tools: &Tools,
    sender: mpsc::Sender<Piece>,
) -> Result<Written, AttemptError> {
    let mut entries = Entries::new(tools, sender);
    let mut exported = Vec::new();
    let mut written_before = 0;
    let mut ahead = Box::pin(read_ahead::contents(export, tools));
    while let Some(next) = ahead.next().await {
        let next = next?;
        if let Some(end) = Written::without(budget.covers(entries.length_with(&next)).await?) {
            return Ok(end);
        }
        let Some(outcome) = entries.take(next).await? else {
            continue;
        };
        exported.push(outcome);
        if exported.len() >= GROUP || entries.length() - written_before >= BYTES_BETWEEN {
            written_before = entries.length();
            let group = std::mem::take(&mut exported);
            if !record(export, work, tools, &group).await? {
                return Ok(Written::Stopped);
            }
        }
    }
    if let Some(end) = Written::without(budget.covers(entries.length_at_end()).await?) {
        return Ok(end);
    }
    // Everything is written: a cancel request comes too late.
    record(export, work, tools, &exported).await?;
    entries.finish().await?;
    Ok(Written::Whole)
}

/// Records outcomes of items; `false` if the operation was cancelled.
async fn record(
    export: &Export,
    work: &Work,
    tools: &Tools,
    exported: &[Exported],
) -> Result<bool, AttemptError> {
    match record_export(&tools.db, export.id, work.claimed.job, exported).await? {
        StepCheck::Continue(()) => Ok(true),
        StepCheck::CancelRequested | StepCheck::Finished => Ok(false),
        StepCheck::LeaseLost => Err(AttemptError::LeaseLost),
    }
}
