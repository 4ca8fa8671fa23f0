//! URLs of bytes that no row refers to any more, until they are removed.

use std::collections::HashSet;

use sea_orm::{
    ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
};
use serde::Serialize;

use super::batch::{Columns, Kind, execute, parameter, query, rows};
use super::entities::discard;
use super::{Database, DbError};
use domain::Timestamp;

const COLUMNS: &Columns = &[("url", Kind::Text)];

#[derive(Serialize)]
struct Row<'a> {
    url: &'a str,
}

/// Writes down, in the transaction that lets go of them, that the bytes at `urls` are to be removed.
pub(super) async fn add(
    connection: &impl ConnectionTrait,
    urls: &[impl AsRef<str> + Sync],
    now: Timestamp,
) -> Result<(), DbError> {
    if urls.is_empty() {
        return Ok(());
    }
    let list = rows(connection.get_database_backend(), COLUMNS);
    let sql = format!(
        "INSERT INTO discards (url, at) SELECT x.url, $2 FROM {list} WHERE true ON CONFLICT DO NOTHING"
    );
    execute(
        connection,
        sql,
        [urls_parameter(urls)?, now.as_micros().into()],
    )
    .await?;
    Ok(())
}

/// Those of `urls` whose bytes are to be removed.
pub(super) async fn among(
    connection: &impl ConnectionTrait,
    urls: &[&str],
) -> Result<HashSet<String>, DbError> {
    let list = list(connection.get_database_backend());
    let sql = format!("SELECT url FROM discards WHERE url IN (SELECT x.url FROM {list})");
    let found = query(connection, sql, [urls_parameter(urls)?]).await?;
    found
        .iter()
        .map(|row| Ok(row.try_get_by_index(0)?))
        .collect()
}

/// At most `limit` URLs whose bytes are to be removed: those behind `after`, in their order.
pub async fn discarded(db: &Database, after: &str, limit: u64) -> Result<Vec<String>, DbError> {
    let rows = discard::Entity::find()
        .filter(discard::Column::Url.gt(after))
        .order_by_asc(discard::Column::Url)
        .limit(limit)
        .all(db.reader())
        .await?;
    Ok(rows.into_iter().map(|row| row.url).collect())
}

/// Forgets URLs whose bytes have been removed.
pub async fn forget_discarded(
    db: &Database,
    urls: &[impl AsRef<str> + Sync],
) -> Result<(), DbError> {
    if urls.is_empty() {
        return Ok(());
    }
    let list = rows(db.backend(), COLUMNS);
    let sql = format!("DELETE FROM discards WHERE url IN (SELECT x.url FROM {list})");
    execute(db.writer(), sql, [urls_parameter(urls)?]).await?;
    Ok(())
}

/// The URLs of `$1` as `x`.
pub(super) fn list(backend: DbBackend) -> String {
    rows(backend, COLUMNS)
}

/// URLs as the value of `$1`.
pub(super) fn urls_parameter(urls: &[impl AsRef<str>]) -> Result<sea_orm::Value, DbError> {
    let list: Vec<_> = urls.iter().map(|url| Row { url: url.as_ref() }).collect();
    parameter(&list)
}
