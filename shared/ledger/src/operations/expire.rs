//! Operations whose time is over: first nobody sees them any more, then their items go in batches,
//! at last their rows. One that was taken back goes together with the one that did it.

use uuid::Uuid;

use crate::batch::{execute, parameter, query};
use crate::{Database, DatabaseTransaction, DbError};
use domain::Timestamp;

/// Items that one transaction removes.
const ITEMS: i64 = 2_000;

/// Hides at most `limit` operations that ended before `before`, and says how many it were. They
/// can't be read or taken back any more. Those with an archive are left until that has expired.
pub async fn expire_operations(
    db: &Database,
    before: Timestamp,
    limit: u32,
    now: Timestamp,
) -> Result<usize, DbError> {
    let transaction = db.begin().await?;
    let sql = "SELECT o.id FROM operations o WHERE o.finished_at IS NOT NULL AND o.expired_at IS NULL \
         AND o.undoes IS NULL AND o.finished_at < $1 AND o.source_url IS NULL AND o.result_url IS NULL \
         AND NOT EXISTS (SELECT 1 FROM operations u WHERE u.undoes = o.id \
         AND (u.finished_at IS NULL OR u.finished_at >= $1)) ORDER BY o.finished_at LIMIT $2";
    let values = [before.as_micros().into(), i64::from(limit).into()];
    let due: Vec<Uuid> = query(&transaction, sql, values)
        .await?
        .iter()
        .map(|row| row.try_get_by_index(0))
        .collect::<Result<_, _>>()?;
    if due.is_empty() {
        return Ok(0);
    }
    let hidden = hide(&transaction, &due, now).await?;
    transaction.commit().await?;
    Ok(hidden)
}

/// Hides operations, with those that take them back, and says how many it were. One that somebody
/// holds is left for another time.
pub(super) async fn hide(
    transaction: &DatabaseTransaction,
    operations: &[Uuid],
    now: Timestamp,
) -> Result<usize, DbError> {
    let dialect = transaction.dialect();
    let wanted = dialect.ids();
    let held = format!(
        "SELECT o.id FROM operations o WHERE o.id IN ({wanted}) AND o.finished_at IS NOT NULL \
         AND o.expired_at IS NULL AND o.undoes IS NULL ORDER BY o.id{}",
        dialect.lock_free_rows("o"),
    );
    let held = query(transaction, held, [parameter(operations)?]).await?;
    let held: Vec<Uuid> = held
        .iter()
        .map(|row| row.try_get_by_index(0))
        .collect::<Result<_, _>>()?;
    let sql = format!(
        "UPDATE operations SET expired_at = $2, next_position = 0 WHERE id IN ({wanted}) OR undoes IN ({wanted})"
    );
    let values = [parameter(&held)?, now.as_micros().into()];
    execute(transaction, sql, values).await?;
    Ok(held.len())
}

/// Removes a batch of rows of an operation that is hidden, and says whether there was one. A draft
/// that may still be finished is left.
pub async fn remove_expired_operation(db: &Database, now: Timestamp) -> Result<bool, DbError> {
    let transaction = db.begin().await?;
    let next = format!(
        "SELECT o.id, o.next_position, o.total FROM operations o WHERE o.expired_at <= $1 \
         AND NOT EXISTS (SELECT 1 FROM operations u WHERE u.undoes = o.id) ORDER BY o.expired_at LIMIT 1{}",
        db.dialect().lock_free_rows("o"),
    );
    let found = query(&transaction, next, [now.as_micros().into()]).await?;
    let Some(row) = found.first() else {
        return Ok(false);
    };
    let id: Uuid = row.try_get_by_index(0)?;
    let (from, total): (i64, i64) = (row.try_get_by_index(1)?, row.try_get_by_index(2)?);
    let items =
        "DELETE FROM operation_items WHERE operation_id = $1 AND position >= $2 AND position < $3";
    let values = [id.into(), from.into(), (from + ITEMS).into()];
    execute(&transaction, items, values).await?;
    if from + ITEMS < total {
        let sql = "UPDATE operations SET next_position = $2 WHERE id = $1";
        execute(&transaction, sql, [id.into(), (from + ITEMS).into()]).await?;
    } else {
        execute(
            &transaction,
            "DELETE FROM operations WHERE id = $1",
            [id.into()],
        )
        .await?;
    }
    transaction.commit().await?;
    Ok(true)
}
