//! Workers that are alive: each says so every few seconds, and is forgotten when it is silent.

use std::time::Duration;

use sea_orm::QueryResult;

use crate::batch::{execute, query};
use crate::readable::readable;
use crate::{Database, DbError};
use domain::Timestamp;
use queue::Queue;

/// How long a worker counts as alive after a sign of life: several of them may be lost.
pub const ALIVE_FOR: Duration = Duration::from_secs(30);

/// What a worker says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerSign {
    /// Its name, unique per start.
    pub name: String,
    /// The queues it works on.
    pub queues: Vec<Queue>,
    /// How many jobs it holds.
    pub running: u32,
    /// When it said so.
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

/// Writes a sign of life down, and forgets workers that are not alive any more.
pub async fn see_worker(db: &Database, sign: &WorkerSign) -> Result<(), DbError> {
    let queues: Vec<_> = sign.queues.iter().map(|queue| queue.as_str()).collect();
    let sql = "INSERT INTO workers (name, queues, running, last_seen) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (name) DO UPDATE SET queues = excluded.queues, running = excluded.running, \
         last_seen = excluded.last_seen";
    let values = [
        sign.name.as_str().into(),
        queues.join(",").into(),
        i64::from(sign.running).into(),
        sign.at.as_micros().into(),
    ];
    execute(db.writer(), sql, values).await?;
    // Read first: most of the time there is nobody to be forgotten, and nothing to be written.
    let silent_since = sign.at.minus(ALIVE_FOR);
    let silent = "SELECT count(*) FROM workers WHERE last_seen < $1";
    let found = query(db.reader(), silent, [silent_since.as_micros().into()]).await?;
    let count: i64 = match found.first() {
        Some(row) => row.try_get_by_index(0)?,
        None => 0,
    };
    if count > 0 {
        let sql = "DELETE FROM workers WHERE last_seen < $1";
        execute(db.writer(), sql, [silent_since.as_micros().into()]).await?;
    }
    Ok(())
}

/// Forgets a worker that has ended.
pub async fn forget_worker(db: &Database, name: &str) -> Result<(), DbError> {
    execute(
        db.writer(),
        "DELETE FROM workers WHERE name = $1",
        [name.into()],
    )
    .await?;
    Ok(())
}

/// Workers that are alive.
pub async fn list_workers(db: &Database, page: WorkerPage<'_>) -> Result<Vec<WorkerSign>, DbError> {
    let sql = format!(
        "SELECT name, queues, running, last_seen FROM workers WHERE last_seen >= $1 AND name > $2 \
         ORDER BY name LIMIT {}",
        page.limit
    );
    let values = [
        page.now.minus(ALIVE_FOR).as_micros().into(),
        page.after.unwrap_or_default().into(),
    ];
    let found = query(db.reader(), sql, values).await?;
    let sign = |row: QueryResult| {
        let name: String = row.try_get("", "name")?;
        let corrupt = |column| DbError::corrupt("workers", column, &name);
        let queues: String = row.try_get("", "queues")?;
        let queues = queues.split(',').map(str::parse).collect::<Result<_, _>>();
        let running: i64 = row.try_get("", "running")?;
        Ok(WorkerSign {
            queues: queues.map_err(|_| corrupt("queues"))?,
            running: u32::try_from(running).map_err(|_| corrupt("running"))?,
            at: Timestamp::from_micros(row.try_get("", "last_seen")?),
            name,
        })
    };
    // A few at most: a page that is short because of one is as good.
    Ok(readable(found, sign))
}
