//! The row of an operation while a chunk of it is dealt with: taken hold of first, written last.

use serde_json::Value;
use uuid::Uuid;

use super::options::changes;
use super::revive::revive;
use super::rows;
use crate::batch::{execute, query};
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

/// Takes hold of an operation; `None` if there is nothing left to do. One that could not go
/// on goes on if an operator has its job run again, unless it was taken back meanwhile.
pub async fn take(
    transaction: &DatabaseTransaction,
    id: OperationId,
) -> Result<Option<Running>, DbError> {
    let sql = format!(
        "SELECT {}, options, next_position, cancel_requested, \
         EXISTS (SELECT 1 FROM operations AS undo WHERE undo.undoes = operations.id) AS undone \
         FROM operations WHERE id = $1 AND expired_at IS NULL{}",
        rows::OPERATION,
        transaction.dialect().lock_rows("operations"),
    );
    let found = query(transaction, sql, [id.0.into()]).await?;
    let Some(row) = found.first() else {
        return Ok(None);
    };
    let operation = rows::operation(row)?;
    let undone: bool = row.try_get("", "undone")?;
    match operation.state.status() {
        OperationStatus::Completed | OperationStatus::Cancelled => return Ok(None),
        OperationStatus::Error if undone => return Ok(None),
        OperationStatus::Pending | OperationStatus::Running | OperationStatus::Error => {}
    }
    let options: Value = row.try_get("", "options")?;
    let Some(deed) = deed(operation.action, id.0, &options)? else {
        return Ok(None);
    };
    if operation.state.status() == OperationStatus::Error {
        revive(transaction, id).await?;
    }
    let cancelled: bool = row.try_get("", "cancel_requested")?;
    Ok(Some(Running {
        operation,
        deed,
        next: row.try_get("", "next_position")?,
        stops: if cancelled {
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
    let sql = "UPDATE operations SET status = $2, next_position = $3, succeeded = succeeded + $4, \
         failed = failed + $5, skipped = skipped + $6, started_at = COALESCE(started_at, $7), \
         finished_at = $8, before_bytes = before_bytes + $9, error_code = NULL, error_detail = NULL WHERE id = $1";
    let values = [
        running.operation.id.0.into(),
        status.as_str().into(),
        next.into(),
        i64::from(dealt.succeeded).into(),
        i64::from(dealt.failed).into(),
        i64::from(dealt.skipped).into(),
        now.as_micros().into(),
        end.as_ref().map(|_| now.as_micros()).into(),
        before.into(),
    ];
    execute(transaction, sql, values).await?;
    Ok(end)
}
