//! Pauses of queues: workers claim nothing of a paused queue, jobs that run end, and new ones wait.

use sea_orm::EntityTrait as _;

use crate::tables::queue_pauses::{Entity, Model, pause, resume};
use crate::{Commit, Database, DbError};
use domain::Timestamp;
use queue::Queue;

/// Whether a queue is paused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueuePause {
    /// The queue.
    pub queue: Queue,
    /// Whether it is paused.
    pub is_paused: bool,
    /// When it was paused or resumed; `None` if it never was.
    pub changed_at: Option<Timestamp>,
}

impl QueuePause {
    /// Returns since when the queue is paused.
    #[must_use]
    pub fn since(&self) -> Option<Timestamp> {
        self.changed_at.filter(|_| self.is_paused)
    }

    fn of(queue: Queue, row: Option<&Model>) -> Self {
        Self {
            queue,
            is_paused: row.is_some_and(|row| row.is_paused),
            changed_at: row.map(|row| Timestamp::from_micros(row.changed_at)),
        }
    }
}

/// Pauses a queue, and returns how it is then. Workers that are claiming at this moment may still
/// get jobs of it.
pub async fn pause_queue(
    on: &impl Commit<QueuePause>,
    queue: Queue,
    now: Timestamp,
) -> Result<QueuePause, DbError> {
    let transaction = on.database().begin().await?;
    pause(&transaction, queue, now).await?;
    let row = Entity::find_by_id(queue.as_str()).one(&transaction).await?;
    let paused = QueuePause::of(queue, row.as_ref());
    on.commit(transaction, &paused).await?;
    Ok(paused)
}

/// Resumes a queue, and returns how it is then. Workers claim from it when they poll next, within a
/// second.
pub async fn resume_queue(
    on: &impl Commit<QueuePause>,
    queue: Queue,
    now: Timestamp,
) -> Result<QueuePause, DbError> {
    let transaction = on.database().begin().await?;
    resume(&transaction, queue, now).await?;
    let row = Entity::find_by_id(queue.as_str()).one(&transaction).await?;
    let resumed = QueuePause::of(queue, row.as_ref());
    on.commit(transaction, &resumed).await?;
    Ok(resumed)
}

/// Returns whether a queue is paused.
pub async fn queue_pause(db: &Database, queue: Queue) -> Result<QueuePause, DbError> {
    let row = Entity::find_by_id(queue.as_str()).one(db.reader()).await?;
    Ok(QueuePause::of(queue, row.as_ref()))
}

/// Returns whether each queue is paused, in the order of [`Queue::ALL`].
pub async fn queue_pauses(db: &Database) -> Result<Vec<QueuePause>, DbError> {
    let rows = Entity::find().all(db.reader()).await?;
    let of = |queue: Queue| {
        let row = rows.iter().find(|row| row.queue == queue.as_str());
        QueuePause::of(queue, row)
    };
    Ok(Queue::ALL.into_iter().map(of).collect())
}
