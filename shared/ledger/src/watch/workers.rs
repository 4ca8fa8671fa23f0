//! Heartbeats: each worker sends one every few seconds, and is removed when they stop.

use std::time::Duration;

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::readable::readable;
use crate::tables::workers;
use crate::{Database, DbError};
use domain::Timestamp;
use queue::Queue;

/// How long a worker counts as alive after a heartbeat; several heartbeats may be lost.
pub const ALIVE_FOR: Duration = Duration::from_secs(30);

/// The heartbeat of a worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerStatus {
    /// The worker's name, unique per start.
    pub name: String,
    /// The queues it serves.
    pub queues: Vec<Queue>,
    /// The number of jobs it is running.
    pub running: u32,
    /// When it was sent.
    pub at: Timestamp,
}

/// A page of workers in the order of their names.
#[derive(Clone, Copy, Debug)]
pub struct WorkerPage<'a> {
    /// The current time.
    pub now: Timestamp,
    /// The last worker of the previous page.
    pub after: Option<&'a str>,
    /// The maximum number of workers.
    pub limit: u32,
}

/// Records a heartbeat, and removes workers that are no longer alive.
pub async fn record_heartbeat(db: &Database, status: &WorkerStatus) -> Result<(), DbError> {
    let queues: Vec<_> = status.queues.iter().map(|queue| queue.as_str()).collect();
    let row = workers::Model {
        name: status.name.clone(),
        queues: queues.join(","),
        running: i64::from(status.running),
        last_seen: status.at.as_micros(),
    };
    workers::upsert(db.writer(), row).await?;
    // Read first: usually there is nothing to remove, and so nothing to write.
    let silent_since = status.at.minus(ALIVE_FOR).as_micros();
    let silent = workers::Entity::find().filter(workers::Column::LastSeen.lt(silent_since));
    if silent.one(db.reader()).await?.is_some() {
        workers::delete_silent(db.writer(), silent_since).await?;
    }
    Ok(())
}

/// Removes a worker that has ended.
pub async fn forget_worker(db: &Database, name: &str) -> Result<(), DbError> {
    workers::delete(db.writer(), name).await
}

/// Returns the workers that are alive.
pub async fn list_workers(
    db: &Database,
    page: WorkerPage<'_>,
) -> Result<Vec<WorkerStatus>, DbError> {
    let alive = page.now.minus(ALIVE_FOR).as_micros();
    let mut select = workers::Entity::find()
        .filter(workers::Column::LastSeen.gte(alive))
        .order_by_asc(workers::Column::Name)
        .limit(u64::from(page.limit));
    if let Some(after) = page.after {
        select = select.filter(workers::Column::Name.gt(after));
    }
    let rows = select.all(db.reader()).await?;
    // Few rows can be unreadable, so a page may be shorter.
    Ok(readable(rows, WorkerStatus::try_from))
}

impl TryFrom<workers::Model> for WorkerStatus {
    type Error = DbError;

    fn try_from(row: workers::Model) -> Result<Self, DbError> {
        let corrupt = |column| DbError::corrupt("workers", column, &row.name);
        let queues = row.queues.split(',').map(str::parse);
        Ok(Self {
            queues: queues
                .collect::<Result<_, _>>()
                .map_err(|_| corrupt("queues"))?,
            running: u32::try_from(row.running).map_err(|_| corrupt("running"))?,
            at: Timestamp::from_micros(row.last_seen),
            name: row.name,
        })
    }
}
