//! Connections: one writer and one reader handle, whatever the database.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use sea_orm::{
    ConnectOptions, ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend,
    SqliteTransactionMode, TransactionOptions, TransactionTrait,
};
use sqlx::Connection;
use sqlx::sqlite::{SqliteConnection, SqliteJournalMode, SqliteSynchronous};

use super::DbError;

/// How long a statement waits for a free connection or for SQLite's lock.
const PATIENCE: Duration = Duration::from_secs(5);

/// Connections that lay idle longer are tried before use: testing each time
/// costs a round trip a statement.
const IDLE_BEFORE_TEST: Duration = Duration::from_secs(15);

/// Where the database is.
#[derive(Clone, PartialEq, Eq)]
pub enum DatabaseUrl {
    /// A file of its own, for a single process.
    Sqlite(PathBuf),
    /// A server, for any number of processes.
    Postgres(String),
}

/// A text that is not the URL of a database.
#[derive(Debug, Clone, thiserror::Error)]
#[error("a database URL starts with postgres:// or sqlite://")]
pub struct InvalidDatabaseUrl;

impl DatabaseUrl {
    /// Whether several processes may use it at once.
    #[must_use]
    pub const fn is_shared(&self) -> bool {
        matches!(self, Self::Postgres(_))
    }
}

impl FromStr for DatabaseUrl {
    type Err = InvalidDatabaseUrl;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some(path) = text
            .strip_prefix("sqlite://")
            .or_else(|| text.strip_prefix("sqlite:"))
        {
            let path = path.split('?').next().unwrap_or_default();
            if path.is_empty() {
                return Err(InvalidDatabaseUrl);
            }
            return Ok(Self::Sqlite(PathBuf::from(path)));
        }
        let known = text.starts_with("postgres://") || text.starts_with("postgresql://");
        if known && url::Url::parse(text).is_ok() {
            Ok(Self::Postgres(text.to_owned()))
        } else {
            Err(InvalidDatabaseUrl)
        }
    }
}

/// Without the password.
impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite://{}", path.display()),
            Self::Postgres(text) => match url::Url::parse(text) {
                Ok(mut url) => {
                    let _ = url.set_password(None);
                    url.fmt(f)
                }
                Err(_) => f.write_str("postgres://"),
            },
        }
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// How busy the connections of a pool are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolUse {
    /// The pool.
    pub name: &'static str,
    /// Connections that are open.
    pub open: u32,
    /// Those of them that nobody uses.
    pub idle: u32,
    /// The most that may be open.
    pub most: u32,
}

/// The database. On SQLite writes go through one connection and reads through a
/// read-only pool beside it; on PostgreSQL both are the same pool.
#[derive(Clone, Debug)]
pub struct Database {
    writer: DatabaseConnection,
    reader: DatabaseConnection,
}

impl Database {
    /// Connects with at most `connections` connections; a missing SQLite file is made.
    pub async fn connect(url: &DatabaseUrl, connections: u32) -> Result<Self, DbError> {
        match url {
            DatabaseUrl::Sqlite(path) => Ok(Self {
                writer: sqlite(path, Access::Write).await?,
                reader: sqlite(path, Access::Read { connections }).await?,
            }),
            DatabaseUrl::Postgres(url) => {
                let mut options = ConnectOptions::new(url);
                options
                    .max_connections(connections)
                    .min_connections(1)
                    .sqlx_logging(false);
                options
                    .acquire_timeout(PATIENCE)
                    .test_before_acquire_if_idle_for(IDLE_BEFORE_TEST);
                let pool = sea_orm::Database::connect(options).await?;
                Ok(Self {
                    writer: pool.clone(),
                    reader: pool,
                })
            }
        }
    }

    /// Has `seen` called after each statement of this handle, and of clones made from now on.
    pub fn observe(&mut self, seen: impl Fn() + Clone + Send + Sync + 'static) {
        let again = seen.clone();
        self.writer.set_metric_callback(move |_| seen());
        self.reader.set_metric_callback(move |_| again());
    }

    /// For statements that change nothing.
    #[must_use]
    pub const fn reader(&self) -> &DatabaseConnection {
        &self.reader
    }

    /// For single statements that change something.
    #[must_use]
    pub const fn writer(&self) -> &DatabaseConnection {
        &self.writer
    }

    /// A transaction that may write. SQLite takes its lock at once: one that is
    /// upgraded half-way can fail where this one waits.
    pub async fn begin(&self) -> Result<DatabaseTransaction, DbError> {
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        Ok(self.writer.begin_with_options(options).await?)
    }

    /// How busy its connections are: of one pool, or of two on SQLite.
    #[must_use]
    pub fn pools(&self) -> Vec<PoolUse> {
        let pool = |name, open: u32, idle: usize, most| PoolUse {
            name,
            idle: u32::try_from(idle).unwrap_or(open).min(open),
            open,
            most,
        };
        if self.backend() == DbBackend::Postgres {
            let one = self.writer.get_postgres_connection_pool();
            let most = one.options().get_max_connections();
            return vec![pool("all", one.size(), one.num_idle(), most)];
        }
        [("writer", &self.writer), ("reader", &self.reader)]
            .map(|(name, connection)| {
                let one = connection.get_sqlite_connection_pool();
                let most = one.options().get_max_connections();
                pool(name, one.size(), one.num_idle(), most)
            })
            .to_vec()
    }

    /// Whether the database answers.
    pub async fn check(&self) -> Result<(), DbError> {
        self.reader.execute_unprepared("SELECT 1").await?;
        Ok(())
    }

    /// Waits for running statements and closes all connections.
    pub async fn close(self) -> Result<(), DbError> {
        let shared = self.backend() == DbBackend::Postgres;
        self.writer.close().await?;
        if !shared {
            self.reader.close().await?;
        }
        Ok(())
    }

    /// Which dialect it speaks.
    pub(super) fn backend(&self) -> DbBackend {
        self.writer.get_database_backend()
    }
}

#[derive(Clone, Copy)]
enum Access {
    Write,
    Read { connections: u32 },
}

/// Whether the connection may be used again: it is in no transaction. SQLite rolls back by itself
/// when the disk is full; the driver's own rollback then fails, and it takes every later
/// transaction for a part of that one: they would be answered, and never be committed.
async fn is_at_rest(connection: &mut SqliteConnection) -> Result<bool, sqlx::Error> {
    // The rollback of a transaction that was dropped is still on its way.
    connection.ping().await?;
    Ok(!connection.is_in_transaction())
}

async fn sqlite(path: &Path, access: Access) -> Result<DatabaseConnection, DbError> {
    let path = path.to_owned();
    let mut options = ConnectOptions::new("sqlite://");
    let connections = match access {
        Access::Write => 1,
        Access::Read { connections } => connections,
    };
    options
        .max_connections(connections)
        .min_connections(1)
        .sqlx_logging(false);
    options.acquire_timeout(PATIENCE).test_before_acquire(false);
    // A connection that is thrown away takes its prepared statements along.
    options.idle_timeout(None).max_lifetime(None);
    if matches!(access, Access::Write) {
        options.map_sqlx_sqlite_pool_opts(|pool| {
            pool.after_release(|connection, _| Box::pin(is_at_rest(connection)))
        });
    }
    options.map_sqlx_sqlite_opts(move |options| {
        let options = options
            .filename(&path)
            .busy_timeout(PATIENCE)
            .foreign_keys(true);
        match access {
            Access::Write => options
                .create_if_missing(true)
                .journal_mode(SqliteJournalMode::Wal)
                // An accepted upload survives a power cut: NORMAL would not sync each commit.
                .synchronous(SqliteSynchronous::Full),
            Access::Read { .. } => options.read_only(true),
        }
    });
    Ok(sea_orm::Database::connect(options).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_shown() {
        let url: DatabaseUrl = "postgres://dossier:secret@db/dossier".parse().unwrap();
        assert_eq!(url.to_string(), "postgres://dossier@db/dossier");
        assert!(!format!("{url:?}").contains("secret"));
    }

    #[test]
    fn other_databases_are_refused() {
        for wrong in ["mysql://x", "sqlite://", "dossier.db", ""] {
            assert!(wrong.parse::<DatabaseUrl>().is_err(), "{wrong}");
        }
    }
}
