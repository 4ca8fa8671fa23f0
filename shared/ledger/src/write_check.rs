//! Whether the database can write: a row of its own is written, and committed. Readiness asks about
//! once a second at most.

use std::time::Duration;

use tokio::time::timeout;

use super::DbError;
use super::batch::execute;
use super::connection::Connection;

/// How long SQLite's one writer may be busy with others. Whoever keeps it busy longer than the
/// patience of those who ask for readiness is the fault that they look for.
const BUSY: Duration = Duration::from_secs(2);

/// Writes it. Nobody waits for another process that is writing it just now, and that may hang.
pub async fn write(writer: &Connection) -> Result<(), DbError> {
    let sql = "UPDATE write_checks SET writes = writes + 1 WHERE id = 1";
    if writer.dialect().locks_rows() {
        let sql = format!(
            "{sql} AND id IN (SELECT id FROM write_checks WHERE id = 1 FOR UPDATE SKIP LOCKED)"
        );
        execute(writer, sql, []).await?;
        return Ok(());
    }
    let is_busy = writer.get_sqlite_connection_pool().num_idle() == 0;
    match timeout(BUSY, execute(writer, sql, [])).await {
        Ok(written) => written.map(drop),
        // Somebody else writes, which tells as much.
        Err(_) if is_busy => Ok(()),
        Err(_) => execute(writer, sql, []).await.map(drop),
    }
}
