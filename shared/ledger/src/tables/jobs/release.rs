//! Leases: extending them, and giving claimed jobs back.

use sea_orm::{ConnectionTrait, FromQueryResult, Value};
use serde::Serialize;
use uuid::Uuid;

use super::JobRef;
use crate::DbError;
use crate::batch::{Columns, Kind, execute, parameter, query_as};
use crate::dialect::Dialect;
use domain::{JobId, Timestamp};
use queue::Queue;

const CLAIMS: &Columns = &[("id", Kind::Uuid), ("fence", Kind::Integer)];

fn claims(jobs: &[JobRef]) -> Result<Value, DbError> {
    #[derive(Serialize)]
    struct Row {
        id: JobId,
        fence: i64,
    }

    let row = |job: &JobRef| Row {
        id: job.id,
        fence: job.fence,
    };
    parameter(&jobs.iter().map(row).collect::<Vec<_>>())
}

/// Extends the leases of running jobs whose claim holds. Returns how many these are.
pub async fn extend_leases(
    connection: &impl ConnectionTrait,
    jobs: &[JobRef],
    until: Timestamp,
) -> Result<u64, DbError> {
    let dialect = Dialect::of(connection);
    // A renewal that a crash of the database undoes is made again, or the lease ends earlier.
    let sql = format!(
        "UPDATE jobs SET run_at = $2 FROM {} WHERE jobs.id = x.id AND jobs.fence = x.fence \
         AND jobs.worker IS NOT NULL AND {}",
        dialect.rows(CLAIMS),
        dialect.without_sync(),
    );
    let values = [claims(jobs)?, until.as_micros().into()];
    execute(connection, sql, values).await
}

/// The claims whose fence isn't that of the job any more.
pub async fn lost_claims(
    connection: &impl ConnectionTrait,
    jobs: &[JobRef],
) -> Result<Vec<JobRef>, DbError> {
    #[derive(FromQueryResult)]
    struct Lost {
        id: Uuid,
        fence: i64,
    }

    let sql = format!(
        "SELECT x.id, x.fence FROM {} WHERE NOT EXISTS \
         (SELECT 1 FROM jobs WHERE jobs.id = x.id AND jobs.fence = x.fence)",
        Dialect::of(connection).rows(CLAIMS)
    );
    let lost: Vec<Lost> = query_as(connection, sql, [claims(jobs)?]).await?;
    let job = |lost: Lost| JobRef {
        id: JobId(lost.id),
        fence: lost.fence,
    };
    Ok(lost.into_iter().map(job).collect())
}

/// Makes claimed jobs ready at `run_at`, the attempt not counted, if the claim holds.
pub async fn hand_back(
    connection: &impl ConnectionTrait,
    jobs: &[JobRef],
    run_at: Timestamp,
) -> Result<u64, DbError> {
    let sql = format!(
        "UPDATE jobs SET state = 'ready', worker = NULL, attempts = attempts - 1, run_at = $2 FROM {} \
         WHERE jobs.id = x.id AND jobs.fence = x.fence AND jobs.worker IS NOT NULL",
        Dialect::of(connection).rows(CLAIMS)
    );
    let values = [claims(jobs)?, run_at.as_micros().into()];
    execute(connection, sql, values).await
}

/// Does the same with all jobs of a queue that `worker` has claimed, but for `kept`.
pub async fn hand_back_others(
    connection: &impl ConnectionTrait,
    (queue, worker): (Queue, &str),
    kept: &[JobRef],
    run_at: Timestamp,
) -> Result<u64, DbError> {
    let kept: Vec<_> = kept.iter().map(|job| job.id).collect();
    let sql = format!(
        "UPDATE jobs SET state = 'ready', worker = NULL, attempts = attempts - 1, run_at = $2 \
         WHERE queue = $3 AND state = 'running' AND worker = $4 AND id NOT IN ({})",
        Dialect::of(connection).ids()
    );
    let values = [
        parameter(&kept)?,
        run_at.as_micros().into(),
        queue.as_str().into(),
        worker.into(),
    ];
    execute(connection, sql, values).await
}

/// Ends the leases of all running jobs. Each attempt stays counted.
pub async fn end_leases(connection: &impl ConnectionTrait, now: Timestamp) -> Result<(), DbError> {
    let sql = "UPDATE jobs SET run_at = $1 WHERE state = 'running' AND run_at > $1";
    execute(connection, sql, [now.as_micros().into()]).await?;
    Ok(())
}
