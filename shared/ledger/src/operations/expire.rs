//! Expires operations: first they are hidden, then their items are deleted in batches, then their
//! rows. An operation and its undo go together.

use uuid::Uuid;

use crate::tables::{operation_items, operations};
use crate::{Database, DatabaseTransaction, DbError};
use domain::{OperationId, Timestamp};

/// Items that one transaction deletes.
const ITEMS: i64 = 2_000;

/// Hides at most `limit` operations that ended before `before`, and returns how many. They can't be
/// read or undone any more. Those with an archive are kept until that has expired.
pub async fn expire_operations(
    db: &Database,
    before: Timestamp,
    limit: u32,
    now: Timestamp,
) -> Result<usize, DbError> {
    let transaction = db.begin().await?;
    let due = operations::find_due(&transaction, before, limit).await?;
    if due.is_empty() {
        return Ok(0);
    }
    let hidden = hide(&transaction, &due, now).await?;
    transaction.commit().await?;
    Ok(hidden)
}

/// Hides operations with their undos, and returns how many. One whose row is locked is left for
/// another time.
pub(super) async fn hide(
    transaction: &DatabaseTransaction,
    operations: &[Uuid],
    now: Timestamp,
) -> Result<usize, DbError> {
    let locked = operations::lock_ended(transaction, operations).await?;
    operations::expire(transaction, &locked, now).await?;
    Ok(locked.len())
}

/// Deletes a batch of rows of an expired operation; `false` if there is none. A draft that may still
/// be published is left alone.
pub async fn remove_expired_operation(db: &Database, now: Timestamp) -> Result<bool, DbError> {
    let transaction = db.begin().await?;
    let Some(expired) = operations::lock_expired(&transaction, now).await? else {
        return Ok(false);
    };
    let id = OperationId(expired.id);
    let (from, end) = (expired.next_position, expired.next_position + ITEMS);
    operation_items::delete_range(&transaction, id, from..end).await?;
    if end < expired.total {
        operations::set_next_position(&transaction, id, end).await?;
    } else {
        operations::delete(&transaction, id).await?;
    }
    transaction.commit().await?;
    Ok(true)
}
