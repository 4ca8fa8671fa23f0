//! Questions whose cost clients decide: each reads one snapshot, outside of any write
//! transaction, and is stopped when its time is over.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use sea_orm::{
    ConnectionTrait, DbErr, QueryResult, RuntimeErr, Statement, TransactionOptions, Value,
};
use sqlx::error::DatabaseError;
use tokio::runtime::Handle;

use super::dialect::Dialect;
use super::search_limit;
use super::slots::Slot;
use super::{Database, DatabaseTransaction, DbError};
use domain::UserId;

/// How much longer than its own limit a server may be silent about a statement.
const GRACE: Duration = Duration::from_secs(1);

/// A search that goes on: statements of one snapshot, which may take so long together.
pub struct Search {
    transaction: DatabaseTransaction,
    hold: Hold,
}

/// What a search occupies. A statement whose search is dropped meanwhile, since its client hung
/// up, goes on to its end, and so keeps its slot for as long as it may.
struct Hold {
    slot: Option<Slot>,
    deadline: Instant,
    is_asking: AtomicBool,
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
    /// Begins a search among the documents of `owner` that may take as long as `limit`.
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
            transaction,
            hold: Hold {
                slot: Some(slot),
                deadline: Instant::now() + limit,
                is_asking: AtomicBool::new(false),
            },
        })
    }
}

impl Search {
    /// Which dialect is spoken.
    pub fn dialect(&self) -> Dialect {
        self.transaction.dialect()
    }

    /// The rows that a statement gives, unless the search's time is over first.
    pub async fn query(
        &self,
        sql: impl Into<String>,
        values: impl IntoIterator<Item = Value>,
    ) -> Result<Vec<QueryResult>, DbError> {
        self.check_time()?;
        let backend = self.transaction.get_database_backend();
        let statement = Statement::from_sql_and_values(backend, sql, values);
        self.hold.is_asking.store(true, Ordering::Relaxed);
        let answer = self.transaction.query_all_raw(statement).await;
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

    /// Ends the search. One that is dropped ends as well, a little later.
    pub async fn end(self) -> Result<(), DbError> {
        Ok(self.transaction.commit().await?)
    }
}

/// What a statement that was stopped because of its time is told apart by: SQLSTATE 57014
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
