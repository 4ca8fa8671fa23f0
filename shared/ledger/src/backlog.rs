//! Limits the backlog of one owner in the queue of uploads. Imports and bulk retries, which enqueue
//! many versions at once, wait while it is reached: so the rows of one owner are bounded, and their
//! own uploads don't wait behind a hundred thousand jobs.

use std::time::Duration;

use sea_orm::ConnectionTrait;

use super::batch::query_column;
use super::tables::jobs::hand_back;
use super::{DbError, JobRef};
use domain::{Timestamp, UserId};
use queue::Queue;

/// The maximum number of waiting or running jobs of one owner before another chunk is enqueued.
/// Enough to keep all workers busy until the next check.
const MOST: i64 = 1_000;

/// The pause after a check that found no room.
pub const BACKLOG_PAUSE: Duration = Duration::from_millis(250);

/// Whether the owner's backlog is full.
pub(super) async fn is_full(
    connection: &impl ConnectionTrait,
    owner: UserId,
) -> Result<bool, DbError> {
    let sql = "SELECT count(*) FROM (SELECT 1 FROM jobs WHERE queue = $1 AND state IN ('ready', 'running') \
         AND owner_id = $2 LIMIT $3) AS waiting";
    let values = [Queue::Ingest.as_str().into(), owner.0.into(), MOST.into()];
    let counts: Vec<i64> = query_column(connection, sql, values).await?;
    Ok(counts.first().is_some_and(|count| *count >= MOST))
}

/// Releases a claimed job until `until`, the attempt not counted: it waits without a new row.
/// Returns whether the claim still held.
pub(super) async fn postpone(
    connection: &impl ConnectionTrait,
    job: JobRef,
    until: Timestamp,
) -> Result<bool, DbError> {
    Ok(hand_back(connection, &[job], until).await? > 0)
}
