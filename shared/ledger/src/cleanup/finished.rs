//! Removes finished jobs.

use crate::tables::jobs::{delete_dead, delete_done};
use crate::{Database, DbError};
use domain::Timestamp;

/// The latest ends of jobs to be removed.
#[derive(Clone, Copy, Debug)]
pub struct FinishedBefore {
    /// Of jobs that are done.
    pub done: Timestamp,
    /// Of jobs that are done and have a dedupe key: without the row, the key could be used again.
    pub keyed: Timestamp,
    /// Of jobs that are dead.
    pub dead: Timestamp,
}

/// Removes at most `limit` finished jobs of each state. Returns how many were removed.
pub async fn forget_finished_jobs(
    db: &Database,
    before: FinishedBefore,
    limit: u32,
) -> Result<u64, DbError> {
    let done = delete_done(db.writer(), (before.done, before.keyed), limit).await?;
    Ok(done + delete_dead(db.writer(), before.dead, limit).await?)
}
