//! Whether the database can write: a row of its own is written, and committed. Readiness asks about
//! once a second at most.

use std::time::Duration;

use sea_orm::DbBackend;
use tokio::time::timeout;

use super::batch::execute;
use super::{Database, DbError};

/// How long SQLite's one writer may be busy with others. Whoever keeps it busy longer than the
/// patience of those who ask for readiness is the fault that they look for.
const BUSY: Duration = Duration::from_secs(2);

/// Writes it. Nobody waits for another process that is writing it just now, and that may hang.
pub async fn write(db: &Database) -> Result<(), DbError> {
    let sql = "UPDATE write_checks SET writes = writes + 1 WHERE id = 1";
    if db.backend() == DbBackend::Postgres {
        let sql = format!(
            "{sql} AND id IN (SELECT id FROM write_checks WHERE id = 1 FOR UPDATE SKIP LOCKED)"
        );
        execute(db.writer(), sql, []).await?;
        return Ok(());
    }
    let writer = db.pools().into_iter().find(|pool| pool.name == "writer");
    let is_busy = writer.is_some_and(|pool| pool.idle == 0);
    match timeout(BUSY, execute(db.writer(), sql, [])).await {
        Ok(written) => written.map(drop),
        // Somebody else writes, which tells as much.
        Err(_) if is_busy => Ok(()),
        Err(_) => execute(db.writer(), sql, []).await.map(drop),
    }
}
