//! Heartbeats: a worker sends one every few seconds, and is forgotten when it is silent.

use std::time::Duration;

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::readable::readable;
use crate::tables::workers;
use crate::{Database, DbError};
use domain::Timestamp;
use queue::Queue;

/// How long a worker counts as alive after a heartbeat: several of them may be lost.
pub const ALIVE_FOR: Duration = Duration::from_secs(30);

/// What a worker reports of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerStatus {
    /// Its name, unique per start.
    pub name: String,
    /// The queues it works on.
    pub queues: Vec<Queue>,
    /// How many jobs it holds.
    pub running: u32,
    /// When it was sent.
    pub at: Timestamp,
}

/// A page of workers in the order of their names.
#[derive(Clone, Copy, Debug)]
pub struct WorkerPage<'a> {
    /// The present moment.
    pub now: Timestamp,
    /// The last worker of the page before.
    pub after: Option<&'a str>,
    /// The most workers.
    pub limit: u32,
}

/// Records a heartbeat, and forgets workers that are not alive any more.
pub async fn record_heartbeat(db: &Database, status: &WorkerStatus) -> Result<(), DbError> {
    let queues: Vec<_> = status.queues.iter().map(|queue| queue.as_str()).collect();
    let row = workers::Model {
        name: status.name.clone(),
        queues: queues.join(","),
        running: i64::from(status.running),
        last_seen: status.at.as_micros(),
    };
    workers::upsert(db.writer(), row).await?;
    // Read first: most of the time there is nobody to be forgotten, and nothing to be written.
    let silent_since = status.at.minus(ALIVE_FOR).as_micros();
    let silent = workers::Entity::find().filter(workers::Column::LastSeen.lt(silent_since));
    if silent.one(db.reader()).await?.is_some() {
        workers::delete_silent(db.writer(), silent_since).await?;
    }
    Ok(())
}

/// Forgets a worker that has ended.
pub async fn forget_worker(db: &Database, name: &str) -> Result<(), DbError> {
    workers::delete(db.writer(), name).await
}

/// Workers that are alive.
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
    // A few at most: a page that is short because of one is as good.
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
