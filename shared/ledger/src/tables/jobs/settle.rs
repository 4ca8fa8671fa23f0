//! How attempts end, fresh ones, and jobs that get none any more.

use std::borrow::Cow;

use sea_orm::ConnectionTrait;
use serde::{Serialize, Serializer};
use uuid::Uuid;

use crate::DbError;
use crate::batch::{Columns, Kind, execute, parameter, query_column};
use crate::dialect::Dialect;
use domain::{JobId, Timestamp};
use queue::{JobKind, JobState, Queue};

/// A claimed job whose attempt has ended.
#[derive(Debug, Serialize)]
pub struct EndedJob<'a> {
    pub id: JobId,
    /// The fence of the claim.
    pub fence: i64,
    /// Done or dead, or ready if another attempt follows.
    #[serde(serialize_with = "as_text")]
    pub state: JobState,
    pub run_at: Timestamp,
    pub last_error: Option<Cow<'a, str>>,
    /// Set unless another attempt follows.
    pub finished_at: Option<Timestamp>,
    /// How many attempts don't count.
    pub uncounted: u32,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes fields by reference"
)]
fn as_text<S: Serializer>(state: &JobState, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(state.as_str())
}

/// Writes the ends of attempts whose claim holds. Returns the ids of these jobs. Running jobs have a
/// worker; asked by their state, PostgreSQL might read the index of all that waits.
pub async fn settle_jobs<C>(
    connection: &impl ConnectionTrait,
    jobs: &[EndedJob<'_>],
) -> Result<C, DbError>
where
    C: IntoIterator<Item = Uuid> + FromIterator<Uuid>,
{
    const COLUMNS: &Columns = &[
        ("id", Kind::Uuid),
        ("fence", Kind::Integer),
        ("state", Kind::Text),
        ("run_at", Kind::Integer),
        ("last_error", Kind::Text),
        ("finished_at", Kind::Integer),
        ("uncounted", Kind::Integer),
    ];
    let sql = format!(
        "UPDATE jobs SET state = x.state, run_at = x.run_at, last_error = x.last_error, \
         finished_at = x.finished_at, attempts = attempts - x.uncounted, worker = NULL FROM {} \
         WHERE jobs.id = x.id AND jobs.fence = x.fence AND jobs.worker IS NOT NULL RETURNING jobs.id",
        Dialect::of(connection).rows(COLUMNS)
    );
    query_column(connection, sql, [parameter(jobs)?]).await
}

/// Ends those of `jobs` that wait and whose version isn't pending. Returns how many were ended.
pub async fn end_without_subject(
    connection: &impl ConnectionTrait,
    jobs: &[JobId],
    now: Timestamp,
) -> Result<u64, DbError> {
    let sql = format!(
        "UPDATE jobs SET state = 'done', finished_at = $2, last_error = 'ended by an audit: it had no subject' \
         WHERE id IN ({}) AND state = 'ready' \
         AND NOT EXISTS (SELECT 1 FROM versions v WHERE v.id = jobs.subject_id AND v.status = 'pending')",
        Dialect::of(connection).ids()
    );
    let values = [parameter(jobs)?, now.as_micros().into()];
    execute(connection, sql, values).await
}

/// Makes dead jobs ready, due now, with a fresh attempt count. Their fences stay: earlier claims
/// remain void.
pub async fn retry_dead(
    connection: &impl ConnectionTrait,
    jobs: &[JobId],
    now: Timestamp,
) -> Result<(), DbError> {
    let sql = format!(
        "UPDATE jobs SET state = 'ready', attempts = 0, run_at = $2, last_error = NULL, finished_at = NULL \
         WHERE id IN ({}) AND state = 'dead'",
        Dialect::of(connection).ids(),
    );
    let values = [parameter(jobs)?, now.as_micros().into()];
    execute(connection, sql, values).await?;
    Ok(())
}

/// The error of a job that an operator has cancelled.
pub const CANCELLED: &str = "cancelled by an operator";

/// Takes all attempts from up to `limit` waiting jobs: whoever claims them next gives them up, as after
/// attempts that never ended. Due now. Returns their ids.
pub async fn cancel_waiting<C>(
    connection: &impl ConnectionTrait,
    (queue, kind): (Queue, Option<JobKind>),
    limit: u32,
    now: Timestamp,
) -> Result<C, DbError>
where
    C: IntoIterator<Item = Uuid> + FromIterator<Uuid>,
{
    let lock = Dialect::of(connection).lock_free_rows("jobs");
    let sql = format!(
        "UPDATE jobs SET attempts = max_attempts, last_error = $1, run_at = $2 WHERE id IN (SELECT id FROM jobs \
         WHERE queue = $3 AND state = 'ready' AND ($4 = '' OR kind = $4) \
         AND (last_error IS NULL OR last_error <> $1 OR attempts < max_attempts) \
         ORDER BY id LIMIT $5{lock}) RETURNING id"
    );
    let values = [
        CANCELLED.into(),
        now.as_micros().into(),
        queue.as_str().into(),
        kind.map_or("", JobKind::as_str).into(),
        i64::from(limit).into(),
    ];
    query_column(connection, sql, values).await
}
