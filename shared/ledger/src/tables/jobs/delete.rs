//! Deleting jobs.

use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};

use super::{Column, Entity};
use crate::DbError;
use crate::batch::{execute, parameter};
use crate::dialect::Dialect;
use domain::{JobId, Timestamp};

/// Deletes a job.
pub async fn delete_job(connection: &impl ConnectionTrait, id: JobId) -> Result<(), DbError> {
    Entity::delete_by_id(id.0).exec(connection).await?;
    Ok(())
}

/// Deletes jobs.
pub async fn delete_jobs(connection: &impl ConnectionTrait, ids: &[JobId]) -> Result<(), DbError> {
    let sql = format!(
        "DELETE FROM jobs WHERE id IN ({})",
        Dialect::of(connection).ids()
    );
    execute(connection, sql, [parameter(ids)?]).await?;
    Ok(())
}

/// Deletes the job with that dedupe key, if it waits.
pub async fn delete_ready(
    connection: &impl ConnectionTrait,
    dedupe_key: &str,
) -> Result<(), DbError> {
    let waiting = Entity::delete_many()
        .filter(Column::DedupeKey.eq(dedupe_key))
        .filter(Column::State.eq("ready"));
    waiting.exec(connection).await?;
    Ok(())
}

/// Deletes at most `limit` jobs that were done before `before`; of those with a dedupe key, that
/// were done before `keyed_before`. Returns how many were deleted.
pub async fn delete_done(
    connection: &impl ConnectionTrait,
    (before, keyed_before): (Timestamp, Timestamp),
    limit: u32,
) -> Result<u64, DbError> {
    // SQLite uses the index only if its condition is spelled out.
    let sql = "DELETE FROM jobs WHERE id IN (SELECT id FROM jobs WHERE state IN ('done', 'dead') AND state = 'done' \
         AND finished_at < $1 AND (dedupe_key IS NULL OR finished_at < $2) ORDER BY finished_at LIMIT $3)";
    let values = [
        before.as_micros().into(),
        keyed_before.as_micros().into(),
        i64::from(limit).into(),
    ];
    execute(connection, sql, values).await
}

/// Deletes at most `limit` jobs that died before `before`. Returns how many were deleted.
pub async fn delete_dead(
    connection: &impl ConnectionTrait,
    before: Timestamp,
    limit: u32,
) -> Result<u64, DbError> {
    let sql = "DELETE FROM jobs WHERE id IN (SELECT id FROM jobs WHERE state IN ('done', 'dead') AND state = 'dead' \
         AND finished_at < $1 ORDER BY finished_at LIMIT $2) AND state = 'dead'";
    let values = [before.as_micros().into(), i64::from(limit).into()];
    execute(connection, sql, values).await
}
