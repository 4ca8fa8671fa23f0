//! How sessions with PostgreSQL are opened: only with a server that can write, and not through a
//! pooler that mixes them up. Called once for each process.

use std::str::FromStr as _;
use std::sync::Arc;
use std::time::Duration;

use sea_orm::{ConnectOptions, DatabaseConnection, DbErr, RuntimeErr};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions as _, Connection as _, Row as _};
use tokio::time::timeout;

use super::connection::PATIENCE;
use super::pooler::{Pooling, find_pooling};
use super::sessions::Sessions;
use super::{DbError, UnfitServer};

/// What a pool is opened with.
pub struct Opening<'a> {
    pub url: &'a str,
    /// The most connections.
    pub connections: u32,
    /// After how long the server gives up on a statement, also if nobody waits for it any more.
    pub statement_timeout: Option<Duration>,
}

/// Opens a pool whose hooks ask `sessions`; returns also how sessions are shared.
pub async fn open(
    opening: Opening<'_>,
    sessions: &Arc<Sessions>,
) -> Result<(DatabaseConnection, Pooling), DbError> {
    let own = PgConnectOptions::from_str(opening.url).map_err(refused)?;
    let own = portable(own).disable_statement_logging();
    let looked = timeout(PATIENCE, look_at_server(&own)).await;
    let pooling = looked.map_err(|_| refused(sqlx::Error::PoolTimedOut))??;
    let statement_timeout = match pooling {
        // What is set would stay with a session that others get.
        Pooling::ByTransaction => None,
        Pooling::None => opening.statement_timeout,
    };
    let mut options = ConnectOptions::new(opening.url);
    options
        .max_connections(opening.connections)
        .min_connections(1)
        .sqlx_logging(false)
        .acquire_timeout(PATIENCE)
        .test_before_acquire(false)
        .map_sqlx_postgres_opts(portable);
    let asked = Arc::clone(sessions);
    options.map_sqlx_postgres_before_acquire(move |session, known| {
        let sessions = Arc::clone(&asked);
        Box::pin(async move { sessions.is_of_use(session, known).await })
    });
    let sessions = Arc::clone(sessions);
    options.map_sqlx_postgres_pool_opts(move |pool| {
        let sessions = Arc::clone(&sessions);
        pool.after_connect(move |session, _| {
            Box::pin(async move { begin_session(session, statement_timeout).await })
        })
        .after_release(move |session, _| {
            let sessions = Arc::clone(&sessions);
            Box::pin(async move { sessions.comes_to_rest(session).await })
        })
    });
    Ok((sea_orm::Database::connect(options).await?, pooling))
}

/// Without a start-up parameter that poolers refuse. Its default does the same since
/// PostgreSQL 12.
fn portable(options: PgConnectOptions) -> PgConnectOptions {
    options.extra_float_digits(None)
}

fn refused(error: sqlx::Error) -> DbError {
    DbErr::Conn(RuntimeErr::SqlxError(error.into())).into()
}

/// Sets a session up and makes sure that its server can write: one that can't is a standby, or
/// was the primary before a failover. That is what `target_session_attrs=read-write` means.
async fn begin_session(
    session: &mut PgConnection,
    statement_timeout: Option<Duration>,
) -> Result<(), sqlx::Error> {
    let setting = statement_timeout.map_or_else(String::new, |limit| {
        format!("SET statement_timeout = {}; ", limit.as_millis())
    });
    let sql = format!("{setting}SHOW transaction_read_only");
    let row = sqlx::raw_sql(sqlx::AssertSqlSafe(sql))
        .fetch_one(session)
        .await?;
    if row.try_get::<&str, _>(0)? == "on" {
        return Err(sqlx::Error::Protocol(UnfitServer::ReadOnly.to_string()));
    }
    Ok(())
}

/// Looks at the server before a pool is opened: a pool would only say that it waited.
async fn look_at_server(options: &PgConnectOptions) -> Result<Pooling, DbError> {
    let connect = || async { PgConnection::connect_with(options).await.map_err(refused) };
    let (mut one, mut other) = (connect().await?, connect().await?);
    begin_session(&mut one, None)
        .await
        .map_err(|error| match error {
            sqlx::Error::Protocol(_) => DbError::Unfit(UnfitServer::ReadOnly),
            error => refused(error),
        })?;
    let pooling = find_pooling(&mut one, &mut other).await;
    // Both are gone with the end of this function; a goodbye spares the server a warning.
    drop(tokio::join!(one.close(), other.close()));
    pooling
}
