//! Discards of bytes that a row still needs.

use crate::batch::query_column;
use crate::references::SOURCES;
use crate::{Database, DbError, discards};

/// True of a discard that some row needs.
fn is_needed(db: &Database) -> String {
    let bytewise = db.dialect().bytewise();
    let needed = SOURCES.iter().map(|source| {
        let (table, column) = (source.table, source.column);
        format!("EXISTS (SELECT 1 FROM {table} r WHERE r.{column}{bytewise} = discards.url)")
    });
    needed.collect::<Vec<_>>().join(" OR ")
}

/// At most `limit` URLs of bytes that are discarded although a row needs them.
pub async fn needed_discards(db: &Database, limit: u32) -> Result<Vec<String>, DbError> {
    let sql = format!(
        "SELECT url FROM discards WHERE {} ORDER BY url LIMIT $1",
        is_needed(db)
    );
    query_column(db.reader(), sql, [i64::from(limit).into()]).await
}

/// Deletes the discards of those of `urls` that a row still needs. Returns how many were deleted.
pub async fn unmark_needed(db: &Database, urls: &[String]) -> Result<u64, DbError> {
    discards::forget_where(db, urls, &is_needed(db)).await
}
