//! The table `discards`: URLs of bytes that no row refers to any more, until they are removed.
//!
//! - The primary key finds uploads whose bytes were discarded.
//! - `discards_due` pages those that are to be removed by now.
//! - `discards_of_owner` sums what a user is charged for them.

use sea_orm::{ConnectionTrait, FromQueryResult, Value};
use serde::Serialize;
use uuid::Uuid;

use crate::batch::{Columns, Kind, execute, parameter, query_as};
use crate::dialect::Dialect;
use crate::{DatabaseTransaction, DbError};
use domain::Timestamp;

/// Bytes that a user has discarded.
#[derive(Clone, Debug, Serialize)]
pub struct Discard {
    /// Their URL.
    pub url: String,
    /// The user who is charged for them.
    pub owner_id: Uuid,
    /// The charged bytes.
    pub charged_bytes: i64,
}

/// The charge of a row.
#[derive(Clone, Copy, Debug, FromQueryResult)]
pub struct DiscardCharge {
    /// The user; `None` for bytes that no user discarded.
    pub owner_id: Option<Uuid>,
    /// The charged bytes.
    pub charged_bytes: i64,
}

/// Inserts URLs without a charge; existing ones are left unchanged.
pub async fn insert(
    connection: &impl ConnectionTrait,
    urls: &[impl AsRef<str>],
    now: Timestamp,
) -> Result<(), DbError> {
    let texts = Dialect::of(connection).texts();
    let sql = format!(
        "INSERT INTO discards (url, at) SELECT x.value, $2 FROM ({texts}) AS x WHERE true ON CONFLICT DO NOTHING"
    );
    let urls: Vec<_> = urls.iter().map(AsRef::as_ref).collect();
    execute(connection, sql, [parameter(&urls)?, now.as_micros().into()]).await?;
    Ok(())
}

/// Inserts URLs with charges to users. Returns the charges of those that were new.
pub async fn insert_charged(
    connection: &impl ConnectionTrait,
    discards: &[Discard],
    now: Timestamp,
) -> Result<Vec<DiscardCharge>, DbError> {
    const COLUMNS: &Columns = &[
        ("url", Kind::Text),
        ("owner_id", Kind::Uuid),
        ("charged_bytes", Kind::Integer),
    ];
    let list = Dialect::of(connection).rows(COLUMNS);
    let sql = format!(
        "INSERT INTO discards (url, at, owner_id, charged_bytes) \
         SELECT x.url, $2, x.owner_id, x.charged_bytes FROM {list} WHERE true \
         ON CONFLICT DO NOTHING RETURNING owner_id, charged_bytes"
    );
    let values = [parameter(discards)?, now.as_micros().into()];
    query_as(connection, sql, values).await
}

/// Inserts the URLs `x.url` of `source`, a FROM item with its conditions over the parameter `$1`.
/// Returns how many were inserted.
pub async fn insert_from(
    connection: &impl ConnectionTrait,
    source: &str,
    parameter: Value,
    now: Timestamp,
) -> Result<u64, DbError> {
    let sql = format!(
        "INSERT INTO discards (url, at) SELECT x.url, $2 FROM {source} ON CONFLICT DO NOTHING"
    );
    execute(connection, sql, [parameter, now.as_micros().into()]).await
}

/// Sets when the bytes at `urls` are to be removed.
pub async fn postpone(
    connection: &impl ConnectionTrait,
    urls: &[impl AsRef<str>],
    until: Timestamp,
) -> Result<(), DbError> {
    let texts = Dialect::of(connection).texts();
    let sql = format!("UPDATE discards SET at = $2 WHERE url IN ({texts})");
    let urls: Vec<_> = urls.iter().map(AsRef::as_ref).collect();
    execute(
        connection,
        sql,
        [parameter(&urls)?, until.as_micros().into()],
    )
    .await?;
    Ok(())
}

/// Deletes those of `urls` for which `condition` is true. Returns their charges.
pub async fn delete(
    transaction: &DatabaseTransaction,
    urls: &[impl AsRef<str>],
    condition: &str,
) -> Result<Vec<DiscardCharge>, DbError> {
    let sql = format!(
        "DELETE FROM discards WHERE url IN ({}) AND ({condition}) RETURNING owner_id, charged_bytes",
        transaction.dialect().texts()
    );
    let urls: Vec<_> = urls.iter().map(AsRef::as_ref).collect();
    query_as(transaction, sql, [parameter(&urls)?]).await
}
