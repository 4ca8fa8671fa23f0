//! Locks the rows of several operations, in the order of their ids or as many as are free.

use sea_orm::{FromQueryResult, QueryResult};
use uuid::Uuid;

use crate::batch::{parameter, query};
use crate::{DatabaseTransaction, DbError};
use domain::{JobId, Timestamp, UserId};

/// The most archives that expire in one transaction.
const ARCHIVES: u32 = 500;

/// An unfinished operation of a job that is given up.
#[derive(Clone, Debug, FromQueryResult)]
pub struct UnfinishedRow {
    pub id: Uuid,
    pub owner_id: Uuid,
    pub action: String,
    pub dry_run: bool,
    pub held_bytes: i64,
}

/// Locks the unfinished operations that `jobs` work on.
pub async fn lock_of_jobs(
    transaction: &DatabaseTransaction,
    jobs: &[JobId],
) -> Result<Vec<UnfinishedRow>, DbError> {
    let dialect = transaction.dialect();
    let sql = format!(
        "SELECT id, owner_id, action, dry_run, held_bytes FROM operations \
         WHERE status IN ('pending', 'running') \
         AND id IN (SELECT subject_id FROM jobs WHERE id IN ({})) ORDER BY id{}",
        dialect.ids(),
        dialect.lock_rows("operations"),
    );
    read(&query(transaction, sql, [parameter(jobs)?]).await?)
}

/// Locks the unfinished operations of an owner: the chunk that runs ends, and no other one begins.
pub async fn lock_unfinished_of_owner(
    transaction: &DatabaseTransaction,
    owner: UserId,
) -> Result<(), DbError> {
    let sql = format!(
        "SELECT id FROM operations WHERE owner_id = $1 AND status IN ('pending', 'running') ORDER BY id{}",
        transaction.dialect().lock_rows("operations")
    );
    query(transaction, sql, [owner.0.into()]).await?;
    Ok(())
}

/// An operation whose archive isn't kept any longer.
#[derive(Clone, Debug, FromQueryResult)]
pub struct ArchiveRow {
    pub id: Uuid,
    pub owner_id: Uuid,
    /// The archive of the export or of the import.
    pub url: String,
    pub result_size: i64,
    pub source_size: i64,
}

/// Locks operations whose archive has expired: results at `now`, and what was imported, or could
/// not be, if the operation ended before `ended_before`.
pub async fn lock_expired_archives(
    transaction: &DatabaseTransaction,
    ended_before: Timestamp,
    now: Timestamp,
) -> Result<Vec<ArchiveRow>, DbError> {
    let sql = format!(
        "SELECT id, owner_id, COALESCE(result_url, source_url) AS url, \
         COALESCE(result_size, 0) AS result_size, \
         CASE WHEN source_url IS NULL THEN 0 ELSE source_size END AS source_size FROM operations \
         WHERE (result_expires_at IS NOT NULL AND result_expires_at <= $1) \
         OR (source_url IS NOT NULL AND finished_at <= $2) ORDER BY id LIMIT {ARCHIVES}{}",
        transaction.dialect().lock_rows("operations")
    );
    let values = [now.as_micros().into(), ended_before.as_micros().into()];
    read(&query(transaction, sql, values).await?)
}

#[derive(FromQueryResult)]
struct IdRow {
    id: Uuid,
}

/// Locks those of `operations` that have ended, are still seen, and that nobody else has locked.
/// Undos are left out: they go with what they undo.
pub async fn lock_ended(
    transaction: &DatabaseTransaction,
    operations: &[Uuid],
) -> Result<Vec<Uuid>, DbError> {
    let dialect = transaction.dialect();
    let sql = format!(
        "SELECT o.id AS id FROM operations o WHERE o.id IN ({}) AND o.finished_at IS NOT NULL \
         AND o.expired_at IS NULL AND o.undoes IS NULL ORDER BY o.id{}",
        dialect.ids(),
        dialect.lock_free_rows("o"),
    );
    let rows: Vec<IdRow> = read(&query(transaction, sql, [parameter(operations)?]).await?)?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// An operation whose rows are being deleted.
#[derive(Clone, Copy, Debug, FromQueryResult)]
pub struct ExpiredRow {
    pub id: Uuid,
    /// Items before it are deleted.
    pub next_position: i64,
    pub total: i64,
}

/// Locks an operation that has expired by `now` and has no undo. Rows that are locked already are
/// passed over.
pub async fn lock_expired(
    transaction: &DatabaseTransaction,
    now: Timestamp,
) -> Result<Option<ExpiredRow>, DbError> {
    let sql = format!(
        "SELECT o.id AS id, o.next_position AS next_position, o.total AS total \
         FROM operations o WHERE o.expired_at <= $1 \
         AND NOT EXISTS (SELECT 1 FROM operations u WHERE u.undoes = o.id) ORDER BY o.expired_at LIMIT 1{}",
        transaction.dialect().lock_free_rows("o"),
    );
    let rows = read(&query(transaction, sql, [now.as_micros().into()]).await?)?;
    Ok(rows.first().copied())
}

fn read<T: FromQueryResult>(rows: &[QueryResult]) -> Result<Vec<T>, DbError> {
    let rows = rows.iter().map(|row| T::from_query_result(row, ""));
    Ok(rows.collect::<Result<_, _>>()?)
}
