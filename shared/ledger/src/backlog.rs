//! How much one owner may have waiting in the queue of uploads. What hands in many versions at
//! once, an import or a bulk retry, waits while that is reached: so the rows of one owner are
//! bounded, and their own uploads don't stand behind a hundred thousand entries.

use std::time::Duration;

use sea_orm::ConnectionTrait;

use super::batch::query_column;
use super::tables::jobs::hand_back;
use super::{DbError, JobRef};
use domain::{Timestamp, UserId};
use queue::Queue;

/// Jobs of one owner that wait or run at most before no further chunk is handed in. Enough to keep
/// all workers busy until the next look.
const MOST: i64 = 1_000;

/// How long after a look that found no room the next one follows.
pub const BACKLOG_PAUSE: Duration = Duration::from_millis(250);

/// Whether the owner has as much waiting as they may.
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

/// Gives a claimed job back until `until`, the attempt not counted: it waits without a new row.
/// Whether the claim still held.
pub(super) async fn postpone(
    connection: &impl ConnectionTrait,
    job: JobRef,
    until: Timestamp,
) -> Result<bool, DbError> {
    Ok(hand_back(connection, &[job], until).await? > 0)
}
