//! How an SQLite file is opened: by one connection that writes, by those that read, and by those
//! that search, whose time is limited.

use std::path::Path;
use std::time::Duration;

use sea_orm::{ConnectOptions, DatabaseConnection};
use sqlx::Connection as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};

use super::DbError;
use super::connection::PATIENCE;
use super::search_limit::limit_time;

/// How long somebody waits for the turn to write to SQLite. Who is before them is bounded: it is
/// better to wait than to be refused.
const TURN: Duration = Duration::from_secs(15);

/// After how many pages of its log SQLite writes them into the file: 16 MiB. Those of the bodies of small
/// uploads are used again and again, and are written once for all.
const CHECKPOINT: &str = "4096";

/// What the connections of a pool are for.
#[derive(Clone, Copy)]
pub enum Access {
    /// Writes of the service, whose statements have bounds.
    Write,
    /// Writes of a command, which may build an index over everything.
    Command,
    Read {
        connections: u32,
    },
    Search {
        connections: u32,
    },
}

/// Whether the connection may be used again: it is in no transaction. SQLite rolls back by itself
/// when the disk is full; the driver's own rollback then fails, and it takes every later
/// transaction for a part of that one: they would be answered, and never be committed.
async fn is_at_rest(connection: &mut SqliteConnection) -> Result<bool, sqlx::Error> {
    // What was begun or committed without an answer is settled by the driver itself, before whatever
    // is asked next.
    if !connection.is_in_transaction() {
        return Ok(true);
    }
    // The rollback of a transaction that was dropped is still on its way.
    connection.ping().await?;
    Ok(!connection.is_in_transaction())
}

/// Opens a pool; a file that is missing is made by the one that writes.
pub async fn open(path: &Path, access: Access) -> Result<DatabaseConnection, DbError> {
    let path = path.to_owned();
    let mut options = ConnectOptions::new("sqlite://");
    let connections = match access {
        Access::Write | Access::Command => 1,
        Access::Read { connections } | Access::Search { connections } => connections,
    };
    options
        .max_connections(connections)
        .min_connections(1)
        .sqlx_logging(false);
    let patience = match access {
        Access::Write | Access::Command => TURN,
        Access::Read { .. } | Access::Search { .. } => PATIENCE,
    };
    options.acquire_timeout(patience).test_before_acquire(false);
    // A connection that is thrown away takes its prepared statements along.
    options.idle_timeout(None).max_lifetime(None);
    match access {
        Access::Write | Access::Command => options.map_sqlx_sqlite_pool_opts(|pool| {
            pool.after_release(|connection, _| Box::pin(is_at_rest(connection)))
        }),
        Access::Read { .. } => &mut options,
        Access::Search { .. } => options.map_sqlx_sqlite_pool_opts(|pool| {
            pool.after_connect(|connection, _| Box::pin(limit_time(connection)))
                .before_acquire(|connection, _| {
                    Box::pin(async move { limit_time(connection).await.map(|()| true) })
                })
                .after_release(|connection, _| Box::pin(is_at_rest(connection)))
        }),
    };
    options.map_sqlx_sqlite_opts(move |options| {
        let options = options
            .filename(&path)
            .busy_timeout(PATIENCE)
            .foreign_keys(true);
        let writing = |options: SqliteConnectOptions| {
            options
                .create_if_missing(true)
                .journal_mode(SqliteJournalMode::Wal)
                // An accepted upload survives a power cut: NORMAL would not sync each commit.
                .synchronous(SqliteSynchronous::Full)
                .pragma("wal_autocheckpoint", CHECKPOINT)
        };
        match access {
            // A statement that changes more than sixteen pages keeps how they were in a temporary
            // file, created and deleted by each group of uploads.
            Access::Write => writing(options).pragma("temp_store", "MEMORY"),
            Access::Command => writing(options),
            Access::Read { .. } | Access::Search { .. } => options.read_only(true),
        }
    });
    Ok(sea_orm::Database::connect(options).await?)
}
