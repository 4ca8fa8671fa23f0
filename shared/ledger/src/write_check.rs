//! Whether the database can write: a row of its own is written, and committed. Readiness asks about
//! once a second at most.

use std::time::Duration;

use tokio::time::timeout;

use super::DbError;
use super::connection::Connection;
use super::tables::write_checks;

/// How long SQLite's one writer may be busy with others. Whoever keeps it busy longer than the
/// patience of those who ask for readiness is the fault that they look for.
const BUSY: Duration = Duration::from_secs(2);

/// Writes it. Nobody waits for another process that is writing it just now, and that may hang.
pub async fn write(writer: &Connection) -> Result<(), DbError> {
    if writer.dialect().locks_rows() {
        return write_checks::count(writer).await;
    }
    let is_busy = writer.get_sqlite_connection_pool().num_idle() == 0;
    match timeout(BUSY, write_checks::count(writer)).await {
        Ok(written) => written,
        // Somebody else writes, which tells as much.
        Err(_) if is_busy => Ok(()),
        Err(_) => write_checks::count(writer).await,
    }
}
