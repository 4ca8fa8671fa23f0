//! Uploads expire, whatever the clock does meanwhile, and rows are deleted.

use uuid::Uuid;

use crate::batch::{execute, parameter};
use crate::{DatabaseTransaction, DbError};
use domain::Timestamp;

/// Asks the writers of uploads whose time is over for a sign of life: the clock may have jumped. A writer
/// that lives puts off the expiry within seconds, unless it waits for storage; of others `updated_at`
/// stays behind `expires_at`. A ticket's uploads have a fixed time.
pub async fn ask_writers(transaction: &DatabaseTransaction, now: Timestamp) -> Result<(), DbError> {
    let sql = "UPDATE uploads SET updated_at = $1 WHERE expires_at <= $1 AND staged_url IS NOT NULL \
         AND held_parts > 0 AND ticket_id IS NULL AND updated_at < expires_at";
    execute(transaction, sql, [now.as_micros().into()]).await?;
    Ok(())
}

/// Takes at most `limit` uploads back to `now` that were last changed after `ahead`, when the clock was
/// wrong, and returns how many. Each keeps as much time as it was given. They expire last of all.
pub async fn take_back(
    transaction: &DatabaseTransaction,
    now: Timestamp,
    ahead: Timestamp,
    limit: i64,
) -> Result<u64, DbError> {
    let sql = "UPDATE uploads SET \
         created_at = CASE WHEN created_at > $1 THEN $1 ELSE created_at END, updated_at = $1, \
         expires_at = CASE WHEN expires_at > updated_at THEN expires_at - updated_at + $1 ELSE expires_at END \
         WHERE id IN (SELECT id FROM (SELECT id, updated_at FROM uploads ORDER BY expires_at DESC, id DESC \
         LIMIT $3) AS last WHERE updated_at > $2) AND updated_at > $2";
    let (now, ahead) = (now.as_micros(), ahead.as_micros());
    execute(transaction, sql, [now.into(), ahead.into(), limit.into()]).await
}

/// Expires locked uploads, which lose their bytes and what they hold of the quota.
pub async fn expire(
    transaction: &DatabaseTransaction,
    ids: &[Uuid],
    forget_at: Timestamp,
    now: Timestamp,
) -> Result<(), DbError> {
    let sql = format!(
        "UPDATE uploads SET status = 'expired', fence = fence + 1, staged_url = NULL, tail_url = NULL, \
         parts = '', held_parts = 0, reserved_bytes = 0, reserved_documents = 0, expires_at = $2, \
         updated_at = $3 WHERE id IN ({})",
        transaction.dialect().ids()
    );
    let (forget_at, now) = (forget_at.as_micros(), now.as_micros());
    execute(
        transaction,
        sql,
        [parameter(ids)?, forget_at.into(), now.into()],
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
