//! Searches, whose cost clients determine: each reads one snapshot, outside of any write
//! transaction, and has a time limit.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use sea_orm::{
    ConnectionTrait, DbErr, QueryResult, RuntimeErr, Statement, TransactionOptions, Value,
};
use sqlx::error::DatabaseError;
use tokio::runtime::Handle;

use super::connection::Connection;
use super::dialect::Dialect;
use super::search_limit;
use super::slots::Slot;
use super::{Database, DatabaseTransaction, DbError};
use domain::UserId;

/// How long a server may exceed the limit of a statement before the call fails.
const GRACE: Duration = Duration::from_secs(1);

/// A running search: statements of one snapshot, with a common time limit.
pub struct Search {
    reading: Reading,
    hold: Hold,
}

/// Where a search reads.
enum Reading {
    /// In a transaction.
    Snapshot(DatabaseTransaction),
    /// Each statement for itself.
    Statements(Connection),
}

/// The slot of a search. A statement whose search is dropped, since its client disconnected, runs
/// to its end, and so keeps its slot.
struct Hold {
    slot: Option<Slot>,
    deadline: Instant,
    is_asking: AtomicBool,
}

impl Hold {
    fn begin(slot: Slot, limit: Duration) -> Self {
        Self {
            slot: Some(slot),
            deadline: Instant::now() + limit,
            is_asking: AtomicBool::new(false),
        }
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        let slot = self.slot.take().filter(|_| *self.is_asking.get_mut());
        if let (Some(slot), Ok(runtime)) = (slot, Handle::try_current()) {
            let deadline = self.deadline.into();
            runtime.spawn(async move {
                tokio::time::sleep_until(deadline).await;
                drop(slot);
            });
        }
    }
}

impl Database {
    /// Begins a search of one statement, which is a snapshot by itself: SQLite needs no transaction
    /// for it, which would cost as much again. Another statement may see another state.
    pub(super) async fn search_once(
        &self,
        owner: UserId,
        limit: Duration,
    ) -> Result<Search, DbError> {
        if self.dialect().begin_search(limit).is_some() {
            return self.search(owner, limit).await;
        }
        let slot = self.search_slot(owner).await?;
        let statements = self.searcher().clone().with_limit(limit + GRACE);
        Ok(Search {
            reading: Reading::Statements(statements),
            hold: Hold::begin(slot, limit),
        })
    }

    /// Begins a search among the documents of `owner` with the time limit `limit`.
    pub(super) async fn search(&self, owner: UserId, limit: Duration) -> Result<Search, DbError> {
        let slot = self.search_slot(owner).await?;
        let begin = self
            .searcher()
            .begin_with_options(TransactionOptions::default());
        let transaction = search_limit::within(limit, begin).await?;
        let transaction = transaction.with_limit(limit + GRACE);
        if let Some(settings) = transaction.dialect().begin_search(limit) {
            transaction.execute_unprepared(&settings).await?;
        }
        Ok(Search {
            reading: Reading::Snapshot(transaction),
            hold: Hold::begin(slot, limit),
        })
    }
}

impl Search {
    /// The dialect of the database.
    pub fn dialect(&self) -> Dialect {
        match &self.reading {
            Reading::Snapshot(transaction) => transaction.dialect(),
            Reading::Statements(connection) => connection.dialect(),
        }
    }

    /// Returns the rows of a statement, unless the search exceeds its time limit.
    pub async fn query(
        &self,
        sql: impl Into<String>,
        values: impl IntoIterator<Item = Value>,
    ) -> Result<Vec<QueryResult>, DbError> {
        self.check_time()?;
        let backend = match &self.reading {
            Reading::Snapshot(transaction) => transaction.get_database_backend(),
            Reading::Statements(connection) => connection.get_database_backend(),
        };
        let statement = Statement::from_sql_and_values(backend, sql, values);
        self.hold.is_asking.store(true, Ordering::Relaxed);
        let answer = match &self.reading {
            Reading::Snapshot(transaction) => transaction.query_all_raw(statement).await,
            Reading::Statements(connection) => {
                let left = self.hold.deadline.saturating_duration_since(Instant::now());
                search_limit::within(left, connection.query_all_raw(statement)).await
            }
        };
        self.hold.is_asking.store(false, Ordering::Relaxed);
        answer.map_err(stopped)
    }

    /// Whether there is time left.
    pub fn check_time(&self) -> Result<(), DbError> {
        if Instant::now() < self.hold.deadline {
            Ok(())
        } else {
            Err(DbError::TimeLimit)
        }
    }

    /// Ends the search. A dropped one ends as well, a little later.
    pub async fn end(self) -> Result<(), DbError> {
        match self.reading {
            Reading::Snapshot(transaction) => Ok(transaction.commit().await?),
            Reading::Statements(_) => Ok(()),
        }
    }
}

/// Recognizes a statement that was cancelled because of its time limit: SQLSTATE 57014
/// (`query_canceled`) of PostgreSQL, `SQLITE_INTERRUPT` of SQLite.
fn stopped(error: DbErr) -> DbError {
    let is_over = match &error {
        DbErr::Exec(RuntimeErr::SqlxError(cause)) | DbErr::Query(RuntimeErr::SqlxError(cause)) => {
            let code = cause
                .as_database_error()
                .and_then(<dyn DatabaseError>::code);
            matches!(code.as_deref(), Some("57014" | "9"))
        }
        _ => false,
    };
    if is_over {
        DbError::TimeLimit
    } else {
        error.into()
    }
}
