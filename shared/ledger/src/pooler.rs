//! Detects whether PostgreSQL is behind a pooler that gives each transaction another session
//! (`PgBouncer` with `pool_mode = transaction`), and whether that is supported: the driver prepares
//! statements in one session and uses them later. Poolers that track prepared statements
//! (`PgBouncer` 1.21 and later, with `max_prepared_statements`) hide the difference. Others would
//! run statements that another client prepared.

use sqlx::postgres::PgConnection;
use sqlx::{Executor as _, Row as _};
use uuid::Uuid;

use super::{DbError, UnfitServer};

/// How sessions are shared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pooling {
    /// Not at all: each connection has its own.
    None,
    /// Each transaction may get another session, with the statements that its connection prepared.
    ByTransaction,
}

/// A statement that both connections prepare, under the same name.
const PREPARED: &str = "SELECT 7";

/// Tests with two connections: a session setting of one must not be visible to the other.
pub async fn find_pooling(
    one: &mut PgConnection,
    other: &mut PgConnection,
) -> Result<Pooling, DbError> {
    let mark = Uuid::new_v4().simple().to_string();
    let set = format!("SELECT set_config('dossier.session', '{mark}', false)");
    one.execute(sqlx::raw_sql(sqlx::AssertSqlSafe(set)))
        .await
        .map_err(failed)?;
    prepare(one).await?;
    // A pooler reuses the session that was returned last, which `one` has marked. While `other`
    // occupies it, `one` gets a session without the mark.
    other.execute("BEGIN").await.map_err(failed)?;
    let shared = sees(other, &mark).await.map_err(failed)?;
    let pooling = if shared {
        prepare(other).await?;
        Pooling::ByTransaction
    } else if sees(one, &mark).await.map_err(failed)? {
        Pooling::None
    } else {
        prepare(one).await?;
        Pooling::ByTransaction
    };
    other.execute("ROLLBACK").await.map_err(failed)?;
    Ok(pooling)
}

/// Prepares the statement, unless the connection has done so already, and runs it. In a session
/// that others have used, the name may be missing, or belong to another statement.
async fn prepare(session: &mut PgConnection) -> Result<(), DbError> {
    let run = session.execute(sqlx::query(PREPARED)).await;
    let code = run
        .as_ref()
        .err()
        .and_then(|error| error.as_database_error()?.code());
    match code.as_deref() {
        Some("26000" | "42P05") => Err(DbError::Unfit(UnfitServer::MixesSessions)),
        _ => run.map(drop).map_err(failed),
    }
}

async fn sees(session: &mut PgConnection, mark: &str) -> Result<bool, sqlx::Error> {
    let sql = "SELECT coalesce(current_setting('dossier.session', true), '')";
    let row = session.fetch_one(sqlx::raw_sql(sql)).await?;
    Ok(row.try_get::<&str, _>(0)? == mark)
}

fn failed(error: sqlx::Error) -> DbError {
    sea_orm::DbErr::Conn(sea_orm::RuntimeErr::SqlxError(error.into())).into()
}
