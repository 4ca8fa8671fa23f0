//! Cancels waiting jobs: they get no attempt any more. What waits for them ends as after the last
//! attempt, by the worker that claims them next: a version fails, and its owner may retry it; an
//! operation ends in error.

use crate::tables::jobs::cancel_waiting;
use crate::{Commit, DbError};
use domain::{JobId, Timestamp};
use queue::{JobKind, Queue};

pub use crate::tables::jobs::CANCELLED;

/// Cancels up to `limit` waiting jobs of a queue, or of one kind of them. Returns which.
pub async fn cancel_jobs(
    on: &impl Commit<Vec<JobId>>,
    selection: (Queue, Option<JobKind>),
    limit: u32,
    now: Timestamp,
) -> Result<Vec<JobId>, DbError> {
    let transaction = on.database().begin().await?;
    let ids: Vec<_> = cancel_waiting(&transaction, selection, limit, now).await?;
    let cancelled = ids.into_iter().map(JobId).collect();
    on.commit(transaction, &cancelled).await?;
    Ok(cancelled)
}
