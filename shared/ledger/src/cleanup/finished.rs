//! Jobs that have ended and that nobody looks at any more.

use crate::tables::jobs::{delete_dead, delete_done};
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

/// Forgets at most `limit` finished jobs of each state. Returns how many were removed.
pub async fn forget_finished_jobs(
    db: &Database,
    before: FinishedBefore,
    limit: u32,
) -> Result<u64, DbError> {
    let done = delete_done(db.writer(), (before.done, before.keyed), limit).await?;
    Ok(done + delete_dead(db.writer(), before.dead, limit).await?)
}
