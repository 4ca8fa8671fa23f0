//! Checks whether the database can write: updates a row of its own and commits. Readiness asks at
//! most about once a second.

use std::time::Duration;

use tokio::time::timeout;

use super::DbError;
use super::connection::Connection;
use super::tables::write_checks;

/// How long the check waits while SQLite's one writer is busy. A writer that is busy for longer
/// than a readiness probe waits is the fault that the probe looks for.
const BUSY: Duration = Duration::from_secs(2);

/// Updates the row. If another process has it locked, it may hang, and isn't waited for.
pub async fn write(writer: &Connection) -> Result<(), DbError> {
    if writer.dialect().locks_rows() {
        return write_checks::count(writer).await;
    }
    let is_busy = writer.get_sqlite_connection_pool().num_idle() == 0;
    match timeout(BUSY, write_checks::count(writer)).await {
        Ok(written) => written,
        // Another transaction writes, which proves as much.
        Err(_) if is_busy => Ok(()),
        Err(_) => write_checks::count(writer).await,
    }
}
