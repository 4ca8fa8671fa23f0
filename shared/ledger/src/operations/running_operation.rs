//! The operation of the chunk that is processed: its row is locked first, and updated last.

use serde_json::Value;
use uuid::Uuid;

use super::lock::lock_unfinished;
use super::options::changes;
use crate::tables::operations::{self, Advance};
use crate::{DatabaseTransaction, DbError, DocumentChanges};
use domain::{Action, Operation, OperationEnd, OperationId, OperationStatus, Tally, Timestamp};

/// What a bulk operation does to its documents.
#[derive(Clone, Debug)]
pub enum BulkAction {
    /// Archives them.
    Archive,
    /// Restores them.
    Restore,
    /// Deletes them.
    Delete,
    /// Edits them.
    Update(DocumentChanges),
    /// Retries their latest versions.
    Retry,
    /// Gives them their previous state back.
    Undo,
}

/// An unfinished operation that this transaction has locked.
#[derive(Clone, Debug)]
pub struct RunningOperation {
    /// The operation.
    pub operation: Operation,
    /// What it does.
    pub action: BulkAction,
    /// The position of the next item.
    pub next: i64,
    /// Whether its owner has cancelled it.
    pub is_cancelled: bool,
}

/// Locks an unfinished operation; `None` if there is nothing left to do.
pub async fn lock_running(
    transaction: &DatabaseTransaction,
    id: OperationId,
) -> Result<Option<RunningOperation>, DbError> {
    let is_bulk = |action| !matches!(action, Action::Export | Action::Import);
    let Some(locked) = lock_unfinished(transaction, id, is_bulk).await? else {
        return Ok(None);
    };
    let action = locked.operation.action;
    let Some(action) = bulk_action(action, id.0, &locked.options)? else {
        return Ok(None);
    };
    Ok(Some(RunningOperation {
        operation: locked.operation,
        action,
        next: locked.next_position,
        is_cancelled: locked.is_cancelled,
    }))
}

/// The action with its options; `None` for exports and imports, which have jobs of their own.
fn bulk_action(action: Action, id: Uuid, options: &Value) -> Result<Option<BulkAction>, DbError> {
    Ok(match action {
        Action::Archive => Some(BulkAction::Archive),
        Action::Restore => Some(BulkAction::Restore),
        Action::Delete => Some(BulkAction::Delete),
        Action::Update => Some(BulkAction::Update(changes(id, options)?)),
        Action::Retry => Some(BulkAction::Retry),
        Action::Undo => Some(BulkAction::Undo),
        Action::Export | Action::Import => None,
    })
}

/// Counts the outcomes of a chunk and the bytes of previous states that it keeps, and ends the
/// operation after its last item. Returns how it ended.
pub async fn advance(
    transaction: &DatabaseTransaction,
    running: &RunningOperation,
    (tally, before_bytes): (Tally, i64),
    now: Timestamp,
) -> Result<Option<OperationEnd>, DbError> {
    let next_position = running.next + i64::from(tally.total);
    let has_more = next_position < i64::from(running.operation.tally.total);
    let end = match running.is_cancelled {
        _ if has_more => None,
        true => Some(OperationEnd::Cancelled),
        false => Some(OperationEnd::Completed),
    };
    let status = match &end {
        None => OperationStatus::Running,
        Some(OperationEnd::Cancelled) => OperationStatus::Cancelled,
        Some(_) => OperationStatus::Completed,
    };
    let chunk = Advance {
        status,
        next_position,
        tally,
        before_bytes,
        now,
    };
    operations::advance(transaction, running.operation.id, &chunk).await?;
    Ok(end)
}
