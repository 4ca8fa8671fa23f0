//! Copies an SQLite database while it is used. PostgreSQL has `pg_dump`.

use super::batch::execute;
use super::{Database, DbError};

/// Writes the SQLite database as it is at one moment to a new file. Reads and writes go on
/// meanwhile. The copy is one file, without a write-ahead log.
pub async fn copy_sqlite(db: &Database, to: &str) -> Result<(), DbError> {
    execute(db.reader(), "VACUUM INTO $1", [to.into()]).await?;
    Ok(())
}
