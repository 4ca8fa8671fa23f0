//! Jobs that have ended and that nobody looks at any more.

use crate::batch::execute;
use crate::{Database, DbError};
use domain::Timestamp;

/// Before when jobs must have ended to be forgotten.
#[derive(Clone, Copy, Debug)]
pub struct FinishedBefore {
    /// Those that did what they were for.
    pub done: Timestamp,
    /// The same, if they have a dedupe key: without the row, the key could be used again.
    pub keyed: Timestamp,
    /// Those that failed for good.
    pub dead: Timestamp,
}

/// Forgets at most `limit` finished jobs of each state, and says how many it were.
pub async fn forget_finished_jobs(
    db: &Database,
    before: FinishedBefore,
    limit: u32,
) -> Result<u64, DbError> {
    // The condition of the index that serves both is written out for SQLite.
    let done = "DELETE FROM jobs WHERE id IN (SELECT id FROM jobs WHERE state IN ('done', 'dead') AND state = 'done' AND finished_at < $1 \
         AND (dedupe_key IS NULL OR finished_at < $2) ORDER BY finished_at LIMIT $3)";
    let values = [
        before.done.as_micros().into(),
        before.keyed.as_micros().into(),
        i64::from(limit).into(),
    ];
    let forgotten = execute(db.writer(), done, values).await?;
    let dead = "DELETE FROM jobs WHERE id IN (SELECT id FROM jobs WHERE state IN ('done', 'dead') AND state = 'dead' AND finished_at < $1 \
         ORDER BY finished_at LIMIT $2) AND state = 'dead'";
    let values = [before.dead.as_micros().into(), i64::from(limit).into()];
    Ok(forgotten + execute(db.writer(), dead, values).await?)
}
