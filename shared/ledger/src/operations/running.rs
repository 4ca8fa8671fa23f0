//! The row of an operation while a chunk of it is dealt with: taken hold of first, written last.

use serde_json::Value;
use uuid::Uuid;

use super::lock::lock_unfinished;
use super::options::changes;
use crate::tables::operations::{self, Advance};
use crate::{DatabaseTransaction, DbError, DocumentChanges};
use domain::{Action, Operation, OperationEnd, OperationId, OperationStatus, Tally, Timestamp};

/// What is done to the items of a chunk.
#[derive(Clone, Debug)]
pub enum Deed {
    /// They are put away.
    Archive,
    /// They are taken back.
    Restore,
    /// They are deleted.
    Delete,
    /// They are edited.
    Update(DocumentChanges),
    /// Their latest versions are tried again.
    Retry,
    /// They become what they were.
    Undo,
}

/// An operation that this transaction has taken hold of, and that has items left.
#[derive(Clone, Debug)]
pub struct Running {
    /// The operation.
    pub operation: Operation,
    /// What it does.
    pub deed: Deed,
    /// The position of the next item.
    pub next: i64,
    /// Whether its owner wants it to stop.
    pub stops: Stops,
}

/// Whether an operation is to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stops {
    /// It goes on to its end.
    AtItsEnd,
    /// Its owner wants it to.
    Now,
}

/// Locks an operation that has items left, and whose items are documents; `None` otherwise.
pub async fn take(
    transaction: &DatabaseTransaction,
    id: OperationId,
) -> Result<Option<Running>, DbError> {
    let is_bulk = |action| !matches!(action, Action::Export | Action::Import);
    let Some(locked) = lock_unfinished(transaction, id, is_bulk).await? else {
        return Ok(None);
    };
    let Some(deed) = deed(locked.operation.action, id.0, &locked.options)? else {
        return Ok(None);
    };
    Ok(Some(Running {
        operation: locked.operation,
        deed,
        next: locked.next_position,
        stops: if locked.is_cancelled {
            Stops::Now
        } else {
            Stops::AtItsEnd
        },
    }))
}

/// Archives have jobs of their own.
fn deed(action: Action, id: Uuid, options: &Value) -> Result<Option<Deed>, DbError> {
    Ok(match action {
        Action::Archive => Some(Deed::Archive),
        Action::Restore => Some(Deed::Restore),
        Action::Delete => Some(Deed::Delete),
        Action::Update => Some(Deed::Update(changes(id, options)?)),
        Action::Retry => Some(Deed::Retry),
        Action::Undo => Some(Deed::Undo),
        Action::Export | Action::Import => None,
    })
}

/// Counts what was dealt with, and the bytes that are kept of what it was `before`, and ends the operation if that was all. Gives how it ended.
pub async fn advance(
    transaction: &DatabaseTransaction,
    running: &Running,
    (dealt, before): (Tally, i64),
    now: Timestamp,
) -> Result<Option<OperationEnd>, DbError> {
    let next = running.next + i64::from(dealt.total);
    let end = match running.stops {
        _ if next < i64::from(running.operation.tally.total) => None,
        Stops::Now => Some(OperationEnd::Cancelled),
        Stops::AtItsEnd => Some(OperationEnd::Completed),
    };
    let status = match &end {
        None => OperationStatus::Running,
        Some(OperationEnd::Cancelled) => OperationStatus::Cancelled,
        Some(_) => OperationStatus::Completed,
    };
    let chunk = Advance {
        status,
        next_position: next,
        tally: dealt,
        before_bytes: before,
        now,
    };
    operations::advance(transaction, running.operation.id, &chunk).await?;
    Ok(end)
}
