//! The next job of each owner with jobs in a queue. Ingress queries it once a second, so its cost
//! doesn't depend on the depth of the queue.

use std::time::Duration;

use uuid::Uuid;

use crate::batch::query;
use crate::tables::jobs::is_of_kind;
use crate::{Database, DbError};
use domain::{JobId, Timestamp, UserId};
use queue::{JobKind, Queue};

/// The jobs of an owner that are scanned for a running one.
const HELD_AMONG: u32 = 256;

/// The latest finished jobs, of all queues, that are scanned for the owners served.
const ENDED: u32 = 2_000;

/// A page of the owners with jobs in a queue, in the order of their ids.
#[derive(Clone, Copy, Debug)]
pub struct OwnerPage {
    /// The queue.
    pub queue: Queue,
    /// The last owner of the previous page.
    pub after: UserId,
    /// The maximum number of owners.
    pub limit: u32,
    /// The current time.
    pub now: Timestamp,
}

/// The job of an owner that is claimed next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwnerHead {
    /// The job.
    pub job: JobId,
    /// The time since it became due.
    pub waited: Duration,
    /// Whether another job of the same owner is running.
    pub is_served: bool,
}

/// Returns the owners of a page, each with their next job if one is due.
pub async fn owner_heads(
    db: &Database,
    page: OwnerPage,
) -> Result<Vec<(UserId, Option<OwnerHead>)>, DbError> {
    const OPEN: &str = "queue = $1 AND state IN ('ready', 'running')";
    let sql = format!(
        "WITH RECURSIVE owners (owner_id, place) AS (SELECT * FROM (SELECT owner_id, 1 FROM jobs \
         WHERE {OPEN} AND owner_id > $2 ORDER BY owner_id LIMIT 1) AS first UNION ALL \
         SELECT (SELECT j.owner_id FROM jobs j WHERE {OPEN} AND j.owner_id > owners.owner_id \
         ORDER BY j.owner_id LIMIT 1), place + 1 FROM owners WHERE owner_id IS NOT NULL AND place < $3), \
         heads AS (SELECT owner_id, (SELECT j.id FROM jobs j WHERE {OPEN} AND j.owner_id = owners.owner_id \
         AND {known} AND j.run_at <= $4 ORDER BY j.run_at LIMIT 1) AS job_id FROM owners WHERE owner_id IS NOT NULL) \
         SELECT heads.owner_id, heads.job_id, jobs.run_at, heads.job_id IS NOT NULL AND EXISTS (SELECT 1 FROM \
         (SELECT j.state FROM jobs j WHERE {OPEN} AND j.owner_id = heads.owner_id AND j.run_at > $4 \
         ORDER BY j.run_at LIMIT {HELD_AMONG}) AS later WHERE later.state = 'running') AS is_served \
         FROM heads LEFT JOIN jobs ON jobs.id = heads.job_id ORDER BY heads.owner_id",
        known = is_of_kind(&JobKind::ALL, page.queue),
    );
    let values = [
        page.queue.as_str().into(),
        page.after.0.into(),
        i64::from(page.limit).into(),
        page.now.as_micros().into(),
    ];
    let found = query(db.reader(), sql, values).await?;
    found
        .into_iter()
        .map(|row| {
            let job: Option<Uuid> = row.try_get("", "job_id")?;
            let due: Option<i64> = row.try_get("", "run_at")?;
            let is_served: bool = row.try_get("", "is_served")?;
            let head = job.zip(due).map(|(job, due)| OwnerHead {
                job: JobId(job),
                waited: page.now.since(Timestamp::from_micros(due)),
                is_served,
            });
            Ok((UserId(row.try_get("", "owner_id")?), head))
        })
        .collect()
}

/// Returns the owners with a job among the latest finished ones of the queue, and when the last of
/// their jobs finished.
pub async fn owners_served(
    db: &Database,
    queue: Queue,
) -> Result<Vec<(UserId, Timestamp)>, DbError> {
    // Repeats the condition of the index, which SQLite requires to use it.
    let sql = format!(
        "SELECT owner_id, max(finished_at) FROM (SELECT owner_id, queue, finished_at FROM jobs \
         WHERE state IN ('done', 'dead') AND state = 'done' ORDER BY finished_at DESC LIMIT {ENDED}) AS ended \
         WHERE queue = $1 GROUP BY owner_id"
    );
    let found = query(db.reader(), sql, [queue.as_str().into()]).await?;
    found
        .into_iter()
        .map(|row| {
            let at = Timestamp::from_micros(row.try_get_by_index(1)?);
            Ok((UserId(row.try_get_by_index(0)?), at))
        })
        .collect()
}
