//! Queues as a whole: their depth, and the age of their oldest job.

use std::time::Duration;

use super::pauses::queue_pauses;
use crate::batch::query;
use crate::readable::unreadable;
use crate::{Database, DbError};
use domain::Timestamp;
use queue::{JobState, Queue};

/// The statistics of a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueState {
    /// The queue.
    pub queue: Queue,
    /// Waiting jobs, including those that are not due yet.
    pub depth: u64,
    /// Running jobs.
    pub running: u64,
    /// Jobs that failed on every attempt.
    pub dead: u64,
    /// The time since the oldest waiting job became due.
    pub oldest: Option<Duration>,
    /// Since when workers claim nothing of it; `None` if they do.
    pub paused_at: Option<Timestamp>,
}

/// Returns the statistics of every queue at `now`. It counts all waiting jobs, so don't call it for
/// every request.
pub async fn queue_states(db: &Database, now: Timestamp) -> Result<Vec<QueueState>, DbError> {
    let pauses = queue_pauses(db).await?.into_iter();
    let mut states: Vec<_> = pauses
        .map(|pause| QueueState {
            queue: pause.queue,
            depth: 0,
            running: 0,
            dead: 0,
            oldest: None,
            paused_at: pause.since(),
        })
        .collect();
    // Each half repeats the condition of the index that serves it.
    let counts = "SELECT queue, state, count(*) FROM jobs WHERE state IN ('ready', 'running') GROUP BY queue, state \
         UNION ALL SELECT queue, state, count(*) FROM jobs WHERE state = 'dead' GROUP BY queue, state";
    for row in query(db.reader(), counts, []).await? {
        let (queue, state): (String, String) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
        let count = row.try_get_by_index::<i64>(2)?.unsigned_abs();
        let corrupt = |column| DbError::corrupt("jobs", column, &queue);
        let known = states.iter_mut().find(|one| one.queue.as_str() == queue);
        match (known, state.parse()) {
            (Some(known), Ok(JobState::Ready)) => known.depth = count,
            (Some(known), Ok(JobState::Running)) => known.running = count,
            (Some(known), Ok(JobState::Dead)) => known.dead = count,
            (Some(_), Ok(JobState::Done)) => {}
            (None, _) => unreadable(&corrupt("queue")),
            (_, Err(_)) => unreadable(&corrupt("state")),
        }
    }
    for state in &mut states {
        let oldest = oldest_waiting(db, state.queue).await?;
        state.oldest = oldest
            .filter(|run_at| *run_at <= now)
            .map(|run_at| now.since(run_at));
    }
    Ok(states)
}

/// Returns when the oldest waiting job of a queue became due, or will be. One index lookup.
pub async fn oldest_waiting(db: &Database, queue: Queue) -> Result<Option<Timestamp>, DbError> {
    let sql = "SELECT min(run_at) FROM jobs WHERE state = 'ready' AND queue = $1";
    moment(db, sql, Some(queue)).await
}

/// Returns when the oldest pending version was accepted. One index lookup.
pub async fn oldest_pending(db: &Database) -> Result<Option<Timestamp>, DbError> {
    let sql = "SELECT min(created_at) FROM versions WHERE status = 'pending'";
    moment(db, sql, None).await
}

async fn moment(
    db: &Database,
    sql: &str,
    queue: Option<Queue>,
) -> Result<Option<Timestamp>, DbError> {
    let values = queue.map(|queue| queue.as_str().into());
    let found = query(db.reader(), sql, values).await?;
    let micros: Option<i64> = match found.first() {
        Some(row) => row.try_get_by_index(0)?,
        None => None,
    };
    Ok(micros.map(Timestamp::from_micros))
}
