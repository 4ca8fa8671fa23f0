//! Bytes that are to be removed although a row needs them.

use crate::batch::query;
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

/// At most `limit` URLs of bytes that are to be removed although a row needs them.
pub async fn doomed_bytes(db: &Database, limit: u32) -> Result<Vec<String>, DbError> {
    let sql = format!(
        "SELECT url FROM discards WHERE {} ORDER BY url LIMIT $1",
        is_needed(db)
    );
    query(db.reader(), sql, [i64::from(limit).into()])
        .await?
        .iter()
        .map(|row| Ok(row.try_get_by_index(0)?))
        .collect()
}

/// Strikes those of `urls` that a row still needs off the list of what is to be removed.
pub async fn spare_doomed_bytes(db: &Database, urls: &[String]) -> Result<u64, DbError> {
    discards::forget_where(db, urls, &is_needed(db)).await
}
