//! Connections: one writer and one reader handle, whatever the database.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sea_orm::{ConnectionTrait, DatabaseConnection, SqliteTransactionMode, TransactionOptions};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::sleep;
use tracing::{info, warn};

use super::connection::{Bounds, Connection, DatabaseTransaction};
use super::dialect::Dialect;
use super::key_room::KeyRoom;
use super::pooler::Pooling;
use super::postgres::{self, Opening};
use super::schema::{KnownMigrations, check_schema};
use super::slots::{Slot, Slots};
use super::sqlite::{self, Access};
use super::{DatabaseUrl, DbError, SchemaMismatch, write_check};
use domain::UserId;

/// The interval between checks of the schema without a reason.
const WATCH: Duration = Duration::from_secs(10);

/// The factor by which jobs may wait longer for a statement than requests.
const JOBS_ARE_PATIENT: u32 = 3;

/// The factor for statements whose size has no bound.
const LENGTHY: u32 = 15;

/// How much longer than the client the server continues a statement.
const AFTER_LIMIT: Duration = Duration::from_secs(5);

/// The maximum number of concurrent searches: each may keep a processor busy.
const SEARCHES: u32 = 8;

/// The usage of the connections of a pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolUse {
    /// The pool.
    pub name: &'static str,
    /// Open connections.
    pub open: u32,
    /// Idle connections among them.
    pub idle: u32,
    /// The maximum number of open connections.
    pub most: u32,
}

/// The database. On SQLite there is one connection for writes, a read-only pool for reads, and
/// another for searches, which may take long; on PostgreSQL all use one pool.
#[derive(Clone, Debug)]
pub struct Database {
    writer: Connection,
    reader: Connection,
    searcher: Connection,
    searches: Arc<Slots>,
    bulk_writes: Arc<Slots>,
    changes: Arc<Slots>,
    pooling: Pooling,
    /// The limit of idempotency keys of owners.
    keys: Arc<KeyRoom>,
    /// The migrations that the schema must have, if they are checked.
    migrations: KnownMigrations,
    /// The schema error of the latest check.
    mismatch: Arc<Mutex<Option<SchemaMismatch>>>,
}

impl Database {
    /// Connects with at most `connections` connections; a missing SQLite file is created. Calls
    /// have no time limit: for commands, which wait as long as it takes.
    pub async fn connect(url: &DatabaseUrl, connections: u32) -> Result<Self, DbError> {
        Self::connect_bounded(url, connections, None).await
    }

    /// The same, for a role of the service: jobs wait for a statement three times as long as
    /// `limit`, and requests, by [`Self::for_requests`], as long as `limit`.
    pub async fn connect_limited(
        url: &DatabaseUrl,
        connections: u32,
        limit: Duration,
    ) -> Result<Self, DbError> {
        let limit = limit.saturating_mul(JOBS_ARE_PATIENT);
        Self::connect_bounded(url, connections, Some(limit)).await
    }

    async fn connect_bounded(
        url: &DatabaseUrl,
        connections: u32,
        limit: Option<Duration>,
    ) -> Result<Self, DbError> {
        let bounds = Bounds {
            limit,
            sessions: Arc::default(),
        };
        let (pools, pooling) = open(url, connections, &bounds).await?;
        let [writer, reader, searcher] = pools.map(|pool| Connection {
            pool,
            bounds: bounds.clone(),
        });
        // On PostgreSQL some connections are reserved for everything else.
        let (search_slots, bulk_slots, change_slots) = match url {
            DatabaseUrl::Sqlite(_) => (slots(SEARCHES), slots(1), changes(2)),
            DatabaseUrl::Postgres(_) => (
                slots((connections / 2).min(SEARCHES)),
                slots((connections / 4).min(SEARCHES)),
                changes(connections / 2),
            ),
        };
        Ok(Self {
            writer,
            reader,
            searcher,
            searches: search_slots,
            bulk_writes: bulk_slots,
            changes: change_slots,
            pooling,
            keys: Arc::default(),
            migrations: Arc::default(),
            mismatch: Arc::default(),
        })
    }

    /// The same connections for requests, which wait a third as long.
    #[must_use]
    pub fn for_requests(mut self) -> Self {
        for connection in [&mut self.writer, &mut self.reader, &mut self.searcher] {
            let limit = &mut connection.bounds.limit;
            *limit = limit.map(|limit| limit / JOBS_ARE_PATIENT);
        }
        self
    }

    /// Limits the idempotency keys of an owner.
    #[must_use]
    pub fn with_keys(mut self, most: u32) -> Self {
        self.keys = Arc::new(KeyRoom::new(most));
        self
    }

    /// The limit of idempotency keys of owners.
    pub(super) fn keys(&self) -> &KeyRoom {
        &self.keys
    }

    /// Makes [`Self::check`] compare the schema with these migrations, oldest first.
    #[must_use]
    pub fn expecting(mut self, migrations: Vec<String>) -> Self {
        self.migrations = migrations.into();
        self
    }

    /// Calls `seen` after each statement of this handle and of its later clones, with its text and how
    /// long it took.
    pub fn observe(&mut self, seen: impl Fn(&str, Duration) + Clone + Send + Sync + 'static) {
        for connection in [&mut self.writer, &mut self.reader, &mut self.searcher] {
            let seen = seen.clone();
            connection
                .pool
                .set_metric_callback(move |done| seen(&done.statement.sql, done.elapsed));
        }
    }

    /// The pool for statements that change nothing.
    #[must_use]
    pub const fn reader(&self) -> &Connection {
        &self.reader
    }

    /// The pool for searches.
    pub(super) const fn searcher(&self) -> &Connection {
        &self.searcher
    }

    /// Waits for a slot for a search among the documents of `owner`.
    pub(super) async fn search_slot(&self, owner: UserId) -> Result<Slot, DbError> {
        self.searches.take(owner).await
    }

    /// Waits for a slot for a transaction of `owner` that writes very many rows, before it begins:
    /// so uploads wait behind few of them.
    pub(super) async fn bulk_slot(&self, owner: UserId) -> Result<Slot, DbError> {
        self.bulk_writes.take(owner).await
    }

    /// Waits for a slot for a change of one document of `owner`, before its transaction begins: so
    /// others wait behind few changes of one owner.
    pub(super) async fn change_slot(&self, owner: UserId) -> Result<Slot, DbError> {
        self.changes.take(owner).await
    }

    /// Waits for the turn of a job that writes many rows. On SQLite there is one at a time, so that
    /// uploads wait behind no more than that.
    pub(super) async fn bulk_turn(&self) -> Option<OwnedSemaphorePermit> {
        if self.dialect().has_one_writer() {
            self.bulk_writes.wait().await
        } else {
            None
        }
    }

    /// The pool for single statements that change something.
    #[must_use]
    pub const fn writer(&self) -> &Connection {
        &self.writer
    }

    /// Begins a transaction that may write. SQLite takes its write lock at once: upgrading a read
    /// transaction can fail where this one waits. Fails on the schema of another release.
    pub async fn begin(&self) -> Result<DatabaseTransaction, DbError> {
        if let Some(mismatch) = self.mismatch().clone() {
            return Err(mismatch.into());
        }
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        Ok(self.writer.begin_with_options(options).await?)
    }

    /// Begins a transaction whose statements may take fifteen times as long: for rare changes whose
    /// size has no bound.
    pub(super) async fn begin_lengthy(&self) -> Result<DatabaseTransaction, DbError> {
        let transaction = self.begin().await?.with_patience(LENGTHY);
        if let Some(unlimited) = self.dialect().lift_time_limit() {
            transaction.execute_unprepared(unlimited).await?;
        }
        Ok(transaction)
    }

    /// Returns whether a session stays with its connection: no pooler gives each transaction
    /// another.
    #[must_use]
    pub const fn keeps_sessions(&self) -> bool {
        matches!(self.pooling, Pooling::None)
    }

    /// The usage of its connections: of one pool, or of three on SQLite.
    #[must_use]
    pub fn pools(&self) -> Vec<PoolUse> {
        let pool = |name, open: u32, idle: usize, most| PoolUse {
            name,
            idle: u32::try_from(idle).unwrap_or(open).min(open),
            open,
            most,
        };
        if self.dialect().has_one_pool() {
            let one = self.writer.get_postgres_connection_pool();
            let most = one.options().get_max_connections();
            return vec![pool("all", one.size(), one.num_idle(), most)];
        }
        let pools = [
            ("writer", &self.writer),
            ("reader", &self.reader),
            ("searcher", &self.searcher),
        ];
        pools
            .map(|(name, connection)| {
                let one = connection.get_sqlite_connection_pool();
                let most = one.options().get_max_connections();
                pool(name, one.size(), one.num_idle(), most)
            })
            .to_vec()
    }

    /// Checks that the database answers; if migrations are expected, also that it has them and
    /// accepts writes.
    pub async fn check(&self) -> Result<(), DbError> {
        if self.migrations.is_empty() {
            self.reader.execute_unprepared("SELECT 1").await?;
            return Ok(());
        }
        let checked = check_schema(&self.reader, &self.migrations).await;
        let mismatch = match &checked {
            Ok(()) => None,
            Err(DbError::Schema(mismatch)) => Some(mismatch.clone()),
            // The state of the schema isn't known.
            Err(_) => return checked,
        };
        *self.mismatch() = mismatch;
        checked?;
        write_check::write(&self.writer).await
    }

    /// Checks it periodically, forever, so that nothing is changed in the schema of another release
    /// even if readiness isn't queried.
    pub async fn watch(&self) {
        let mut seen = Outcomes::default();
        loop {
            let checked = self.check().await;
            if seen.are_changed_by(&checked) {
                match &checked {
                    Ok(()) => info!("the database can be used again"),
                    Err(error) => warn!(
                        error = error as &dyn std::error::Error,
                        "the database can't be used"
                    ),
                }
            }
            sleep(WATCH).await;
        }
    }

    fn mismatch(&self) -> MutexGuard<'_, Option<SchemaMismatch>> {
        self.mismatch.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for running statements and closes all connections.
    pub async fn close(self) -> Result<(), DbError> {
        let shared = self.dialect().has_one_pool();
        self.writer.pool.close().await?;
        if !shared {
            self.reader.pool.close().await?;
            self.searcher.pool.close().await?;
        }
        Ok(())
    }

    /// The dialect of the database.
    pub(super) fn dialect(&self) -> Dialect {
        self.writer.dialect()
    }
}

/// Detects changes between checks of the database, which are logged for operators.
#[derive(Debug, Default)]
struct Outcomes {
    /// The error of the latest check.
    wrong: Option<String>,
}

impl Outcomes {
    fn are_changed_by(&mut self, checked: &Result<(), DbError>) -> bool {
        let wrong = checked.as_ref().err().map(ToString::to_string);
        std::mem::replace(&mut self.wrong, wrong) != self.wrong
    }
}

/// Opens the pools of writer, reader and searcher, which are one on PostgreSQL.
async fn open(
    url: &DatabaseUrl,
    connections: u32,
    bounds: &Bounds,
) -> Result<([DatabaseConnection; 3], Pooling), DbError> {
    let searching = Access::Search {
        connections: SEARCHES,
    };
    match url {
        DatabaseUrl::Sqlite(path) => {
            let writing = match bounds.limit {
                Some(_) => Access::Write,
                None => Access::Command,
            };
            let pools = [
                sqlite::open(path, writing).await?,
                sqlite::open(path, Access::Read { connections }).await?,
                sqlite::open(path, searching).await?,
            ];
            Ok((pools, Pooling::None))
        }
        DatabaseUrl::Postgres(url) => {
            let statement_timeout = bounds.limit.map(|limit| limit.saturating_add(AFTER_LIMIT));
            let opening = Opening {
                url,
                connections,
                statement_timeout,
            };
            let (pool, pooling) = postgres::open(opening, &bounds.sessions).await?;
            Ok(([pool.clone(), pool.clone(), pool], pooling))
        }
    }
}

/// Slots of which no owner gets all, if there are several.
fn slots(all: u32) -> Arc<Slots> {
    let all = all.max(1) as usize;
    Arc::new(Slots::new(all, all.div_ceil(4)))
}

/// Slots of which each owner gets a number.
fn changes(of_one: u32) -> Arc<Slots> {
    Arc::new(Slots::new(Semaphore::MAX_PERMITS, of_one.max(1) as usize))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_told_once_and_so_is_that_it_is_over() {
        let mut seen = Outcomes::default();
        let told = [
            Ok(()),
            Err(DbError::Busy),
            Err(DbError::Busy),
            Err(DbError::TakenOver),
            Ok(()),
            Ok(()),
        ];
        let told = told.map(|checked| seen.are_changed_by(&checked));
        assert_eq!(told, [false, true, false, true, true, false]);
    }
}
