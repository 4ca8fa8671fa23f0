//! Connections and transactions whose calls have a time limit: no request waits forever for a
//! database that hangs. Every statement of this crate goes through here; none is written here.

use std::fmt;
use std::ops::Deref;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DbBackend, DbErr, ExecResult, QueryResult, RuntimeErr,
    Statement, TransactionOptions, TransactionTrait,
};
use tokio::time::timeout;

use super::dialect::Dialect;
use super::error::is_fault_of_session;
use super::sessions::Sessions;

/// How long a statement waits for a free connection or for SQLite's lock.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

/// The time limit of calls, and the state of the sessions they use.
#[derive(Clone, Debug)]
pub(super) struct Bounds {
    /// The limit of one call; without one it waits as long as it takes.
    pub limit: Option<Duration>,
    pub sessions: Arc<Sessions>,
}

impl Bounds {
    async fn call<T>(&self, call: impl Future<Output = Result<T, DbErr>>) -> Result<T, DbErr> {
        let mut call = pin!(call);
        // Dropped before the call, which then returns its session to the pool.
        let unanswered = self.sessions.await_answer();
        let answer = match self.limit {
            Some(limit) => timeout(limit, call.as_mut())
                .await
                .map_err(|_| no_answer(limit))?,
            None => call.as_mut().await,
        };
        unanswered.came();
        if answer.as_ref().is_err_and(is_fault_of_session) {
            self.sessions.replace_all();
        }
        answer
    }
}

fn no_answer(limit: Duration) -> DbErr {
    DbErr::Conn(RuntimeErr::Internal(format!(
        "the database gave no answer within {limit:?}"
    )))
}

/// A pool of connections.
#[derive(Clone)]
pub struct Connection {
    pub(super) pool: DatabaseConnection,
    pub(super) bounds: Bounds,
}

impl Connection {
    /// The dialect of the database.
    pub(super) fn dialect(&self) -> Dialect {
        Dialect::of(self)
    }

    /// The same pool, with this time limit for each call.
    pub(super) fn with_limit(mut self, limit: Duration) -> Self {
        self.bounds.limit = Some(limit);
        self
    }

    /// Begins a transaction.
    pub(super) async fn begin_with_options(
        &self,
        options: TransactionOptions,
    ) -> Result<DatabaseTransaction, DbErr> {
        let begun = self.bounds.call(self.pool.begin_with_options(options));
        Ok(DatabaseTransaction {
            inner: begun.await?,
            bounds: self.bounds.clone(),
        })
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").finish_non_exhaustive()
    }
}

/// The pool itself, whose calls have no limit: for migrations.
impl Deref for Connection {
    type Target = DatabaseConnection;

    fn deref(&self) -> &DatabaseConnection {
        &self.pool
    }
}

/// A transaction. Dropping it rolls back.
#[derive(Debug)]
pub struct DatabaseTransaction {
    inner: sea_orm::DatabaseTransaction,
    bounds: Bounds,
}

impl DatabaseTransaction {
    /// The dialect of the database.
    pub(super) fn dialect(&self) -> Dialect {
        Dialect::of(self)
    }

    /// The same transaction, with the time limit multiplied by `times`.
    pub(super) fn with_patience(mut self, times: u32) -> Self {
        let limit = &mut self.bounds.limit;
        *limit = limit.map(|limit| limit.saturating_mul(times));
        self
    }

    /// The same transaction, with this time limit for each call.
    pub(super) fn with_limit(mut self, limit: Duration) -> Self {
        self.bounds.limit = Some(limit);
        self
    }

    /// Commits. An error means that nothing was changed, or that the commit is uncertain.
    pub async fn commit(self) -> Result<(), DbErr> {
        self.bounds.call(self.inner.commit()).await
    }

    /// Rolls back.
    pub async fn rollback(self) -> Result<(), DbErr> {
        self.bounds.call(self.inner.rollback()).await
    }
}

#[async_trait]
impl ConnectionTrait for Connection {
    fn get_database_backend(&self) -> DbBackend {
        self.pool.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        self.bounds.call(self.pool.execute_raw(statement)).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.bounds.call(self.pool.execute_unprepared(sql)).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        self.bounds.call(self.pool.query_one_raw(statement)).await
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        self.bounds.call(self.pool.query_all_raw(statement)).await
    }
}

#[async_trait]
impl ConnectionTrait for DatabaseTransaction {
    fn get_database_backend(&self) -> DbBackend {
        self.inner.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        self.bounds.call(self.inner.execute_raw(statement)).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.bounds.call(self.inner.execute_unprepared(sql)).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        self.bounds.call(self.inner.query_one_raw(statement)).await
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        self.bounds.call(self.inner.query_all_raw(statement)).await
    }
}
