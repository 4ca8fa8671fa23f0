//! Uploads expire, and rows are deleted.

use uuid::Uuid;

use crate::batch::{execute, parameter};
use crate::{DatabaseTransaction, DbError};
use domain::Timestamp;

/// Expires locked uploads, which lose their bytes and what they hold of the quota.
pub async fn expire(
    transaction: &DatabaseTransaction,
    ids: &[Uuid],
    forget_at: Timestamp,
) -> Result<(), DbError> {
    let sql = format!(
        "UPDATE uploads SET status = 'expired', fence = fence + 1, staged_url = NULL, tail_url = NULL, \
         parts = '', held_parts = 0, reserved_bytes = 0, reserved_documents = 0, expires_at = $2 \
         WHERE id IN ({})",
        transaction.dialect().ids()
    );
    execute(
        transaction,
        sql,
        [parameter(ids)?, forget_at.as_micros().into()],
    )
    .await?;
    Ok(())
}

/// Deletes locked uploads.
pub async fn delete(transaction: &DatabaseTransaction, ids: &[Uuid]) -> Result<(), DbError> {
    let sql = format!(
        "DELETE FROM uploads WHERE id IN ({})",
        transaction.dialect().ids()
    );
    execute(transaction, sql, [parameter(ids)?]).await?;
    Ok(())
}

/// Deletes at most `limit` ended uploads whose time is over, and returns how many.
pub async fn forget(
    transaction: &DatabaseTransaction,
    now: Timestamp,
    limit: i64,
) -> Result<u64, DbError> {
    let sql = format!(
        "DELETE FROM uploads WHERE id IN (SELECT id FROM uploads WHERE expires_at <= $1 \
         AND staged_url IS NULL ORDER BY expires_at, id LIMIT $2{})",
        transaction.dialect().lock_free_rows("uploads")
    );
    execute(transaction, sql, [now.as_micros().into(), limit.into()]).await
}

/// Deletes the ended uploads of a user beyond the newest `kept`.
pub async fn delete_surplus(
    transaction: &DatabaseTransaction,
    owner: Uuid,
    kept: u32,
) -> Result<(), DbError> {
    let sql = format!(
        "DELETE FROM uploads WHERE id IN (SELECT id FROM uploads WHERE owner_id = $1 \
         AND staged_url IS NULL ORDER BY id DESC LIMIT 100 OFFSET $2{})",
        transaction.dialect().lock_free_rows("uploads")
    );
    execute(transaction, sql, [owner.into(), i64::from(kept).into()]).await?;
    Ok(())
}
