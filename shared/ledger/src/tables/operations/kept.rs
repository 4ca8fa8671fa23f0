//! Counts what an owner has of operations.

use sea_orm::{ConnectionTrait, FromQueryResult};
use uuid::Uuid;

use crate::batch::query;
use crate::{DatabaseTransaction, DbError};
use domain::UserId;

#[derive(FromQueryResult)]
struct CountRow {
    count: i64,
}

/// How many operations of an owner have not ended; counted up to `most`.
pub async fn count_open(
    connection: &impl ConnectionTrait,
    owner: UserId,
    most: i64,
) -> Result<i64, DbError> {
    let sql = "SELECT count(*) AS count FROM (SELECT 1 FROM operations WHERE owner_id = $1 \
         AND status IN ('pending', 'running') LIMIT $2) AS open_ones";
    let found = query(connection, sql, [owner.0.into(), most.into()]).await?;
    count(found.first())
}

/// How much an owner keeps.
#[derive(Clone, Copy, Debug, Default, FromQueryResult)]
pub struct KeptRow {
    /// How many operations.
    pub operations: i64,
    /// How many items all of them have.
    pub items: i64,
}

/// How many operations and items an owner keeps, expired ones included.
pub async fn count_kept(
    transaction: &DatabaseTransaction,
    owner: UserId,
) -> Result<KeptRow, DbError> {
    let sql = "SELECT count(*) AS operations, CAST(COALESCE(sum(total), 0) AS bigint) AS items \
         FROM operations WHERE owner_id = $1";
    let found = query(transaction, sql, [owner.0.into()]).await?;
    let row = found.first();
    let row = row.map(|row| KeptRow::from_query_result(row, ""));
    Ok(row.transpose()?.unwrap_or_default())
}

/// How many bytes the items of an owner's operations keep of previous states.
pub async fn sum_before_bytes(
    transaction: &DatabaseTransaction,
    owner: UserId,
) -> Result<i64, DbError> {
    let sql = "SELECT CAST(COALESCE(sum(before_bytes), 0) AS bigint) AS count FROM operations \
         WHERE owner_id = $1 AND before_bytes > 0";
    let found = query(transaction, sql, [owner.0.into()]).await?;
    count(found.first())
}

fn count(row: Option<&sea_orm::QueryResult>) -> Result<i64, DbError> {
    let row = row.map(|row| CountRow::from_query_result(row, ""));
    Ok(row.transpose()?.map_or(0, |row| row.count))
}

/// An operation as far as it matters for how much is kept.
#[derive(Clone, Copy, Debug, FromQueryResult)]
pub struct UnitRow {
    pub id: Uuid,
    pub undoes: Option<Uuid>,
    pub total: i64,
    pub before_bytes: i64,
    pub has_expired: bool,
    pub has_ended: bool,
    pub has_archive: bool,
}

/// All operations of an owner, the oldest first.
pub async fn kept_of(
    transaction: &DatabaseTransaction,
    owner: UserId,
) -> Result<Vec<UnitRow>, DbError> {
    let sql = "SELECT id, undoes, total, before_bytes, expired_at IS NOT NULL AS has_expired, \
         finished_at IS NOT NULL AS has_ended, \
         (source_url IS NOT NULL OR result_url IS NOT NULL) AS has_archive \
         FROM operations WHERE owner_id = $1 ORDER BY id";
    let found = query(transaction, sql, [owner.0.into()]).await?;
    let rows = found.iter().map(|row| UnitRow::from_query_result(row, ""));
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The archives of an owner's imports and exports.
pub async fn archives_of(
    transaction: &DatabaseTransaction,
    owner: UserId,
) -> Result<Vec<String>, DbError> {
    #[derive(FromQueryResult)]
    struct Row {
        url: String,
    }

    let sql = "SELECT COALESCE(source_url, result_url) AS url FROM operations WHERE owner_id = $1 \
         AND (source_url IS NOT NULL OR result_url IS NOT NULL)";
    let found = query(transaction, sql, [owner.0.into()]).await?;
    let urls = found.iter().map(|row| Row::from_query_result(row, ""));
    urls.map(|row| Ok(row?.url)).collect()
}
