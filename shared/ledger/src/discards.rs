//! URLs of bytes that no row refers to any more, until they are removed. Users are charged for
//! those that they let go of: the counter `discarded_bytes` of their rows.

use std::collections::HashSet;

use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use serde::Serialize;
use uuid::Uuid;

use super::accounts::Charges;
use super::batch::{Columns, Kind, execute, parameter, query};
use super::dialect::Dialect;
use super::tables::discards as discard;
use super::{Database, DbError};
use domain::{Allowances, Timestamp};

const COLUMNS: &Columns = &[("url", Kind::Text)];

const CHARGED: &Columns = &[
    ("url", Kind::Text),
    ("owner_id", Kind::Uuid),
    ("charged_bytes", Kind::Integer),
];

/// Users whose counters are mended at once.
const MENDED: i64 = 1_000;

/// More rows than this are not counted for the meters.
const MOST_COUNTED: i64 = 1_000_000;

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
    let list = Dialect::of(connection).rows(COLUMNS);
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

/// Bytes that a user has let go of.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Discard {
    url: String,
    owner_id: Uuid,
    charged_bytes: i64,
}

impl Discard {
    /// So many bytes at `url`.
    pub(super) fn of(owner_id: Uuid, url: String, size: i64) -> Self {
        Self {
            url,
            owner_id,
            charged_bytes: at_least_a_block(size),
        }
    }

    /// So many bytes at one of these URLs.
    pub(super) fn at_any(
        owner_id: Uuid,
        urls: Vec<String>,
        size: i64,
    ) -> impl Iterator<Item = Self> {
        urls.into_iter().enumerate().map(move |(place, url)| Self {
            url,
            owner_id,
            charged_bytes: if place == 0 {
                at_least_a_block(size)
            } else {
                0
            },
        })
    }
}

/// What the smallest object takes of a disk, and of the ledger.
fn at_least_a_block(size: i64) -> i64 {
    size.max(Allowances::BLOCK.cast_signed())
}

/// Does what [`add`] does, and charges the owners: the caller gives `charges` back in the same
/// transaction.
pub(super) async fn add_charged(
    connection: &impl ConnectionTrait,
    discards: &[Discard],
    charges: &mut Charges,
    now: Timestamp,
) -> Result<(), DbError> {
    if discards.is_empty() {
        return Ok(());
    }
    let list = Dialect::of(connection).rows(CHARGED);
    let sql = format!(
        "INSERT INTO discards (url, at, owner_id, charged_bytes) \
         SELECT x.url, $2, x.owner_id, x.charged_bytes FROM {list} WHERE true \
         ON CONFLICT DO NOTHING RETURNING owner_id, charged_bytes"
    );
    let values = [parameter(discards)?, now.as_micros().into()];
    for row in query(connection, sql, values).await? {
        let bytes: i64 = row.try_get_by_index(1)?;
        charges.of(row.try_get_by_index(0)?).discarded -= bytes;
    }
    Ok(())
}

/// Those of `urls` whose bytes are to be removed.
pub(super) async fn among(
    connection: &impl ConnectionTrait,
    urls: &[&str],
) -> Result<HashSet<String>, DbError> {
    let list = list(Dialect::of(connection));
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
    if !urls.is_empty() {
        strike(db, urls, "true").await?;
    }
    Ok(())
}

/// Strikes those of `urls` off the list of which `condition` is true, and says how many. Their
/// owners are charged for them no more.
pub(super) async fn strike(
    db: &Database,
    urls: &[impl AsRef<str> + Sync],
    condition: &str,
) -> Result<u64, DbError> {
    let transaction = db.begin().await?;
    let list = list(db.dialect());
    let sql = format!(
        "DELETE FROM discards WHERE url IN (SELECT x.url FROM {list}) AND ({condition}) \
         RETURNING owner_id, charged_bytes"
    );
    let gone = query(&transaction, sql, [urls_parameter(urls)?]).await?;
    let mut charges = Charges::default();
    for row in &gone {
        if let Some(owner) = row.try_get_by_index::<Option<Uuid>>(0)? {
            charges.of(owner).discarded += row.try_get_by_index::<i64>(1)?;
        }
    }
    charges.give_back(&transaction).await?;
    transaction.commit().await?;
    Ok(gone.len() as u64)
}

/// Charges nothing any more to users of whom nothing is left to be removed: a release that
/// doesn't know what they are charged may have removed it.
pub async fn mend_discarded_bytes(db: &Database) -> Result<(), DbError> {
    const DONE: &str = "discarded_bytes <> 0 \
         AND NOT EXISTS (SELECT 1 FROM discards d WHERE d.owner_id = users.id)";
    let none = format!("SELECT 1 FROM users WHERE {DONE} LIMIT 1");
    if query(db.reader(), none, []).await?.is_empty() {
        return Ok(());
    }
    let transaction = db.begin().await?;
    let dialect = db.dialect();
    // Whoever charges them has their rows locked: what is written meanwhile is seen after that.
    let sql = format!(
        "SELECT id FROM users WHERE {DONE} ORDER BY id LIMIT $1{}",
        dialect.lock_rows("users")
    );
    let mut users: Vec<Uuid> = Vec::new();
    for row in query(&transaction, sql, [MENDED.into()]).await? {
        users.push(row.try_get_by_index(0)?);
    }
    let mend = format!(
        "UPDATE users SET discarded_bytes = 0 WHERE id IN ({}) AND {DONE}",
        dialect.ids()
    );
    execute(&transaction, mend, [parameter(&users)?]).await?;
    transaction.commit().await?;
    Ok(())
}

/// How much waits to be removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DiscardLevel {
    /// Objects, up to a million.
    pub objects: u64,
    /// What users are charged for them.
    pub bytes: u64,
}

/// How much waits to be removed.
pub async fn discard_level(db: &Database) -> Result<DiscardLevel, DbError> {
    let sql = "SELECT (SELECT count(*) FROM (SELECT 1 FROM discards LIMIT $1) AS listed), \
         (SELECT CAST(COALESCE(sum(discarded_bytes), 0) AS bigint) FROM users WHERE discarded_bytes <> 0)";
    let found = query(db.reader(), sql, [MOST_COUNTED.into()]).await?;
    let Some(row) = found.first() else {
        return Ok(DiscardLevel::default());
    };
    let (objects, bytes): (i64, i64) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
    Ok(DiscardLevel {
        objects: objects.unsigned_abs(),
        bytes: bytes.max(0).unsigned_abs(),
    })
}

/// The URLs of `$1` as `x`.
pub(super) fn list(dialect: Dialect) -> String {
    dialect.rows(COLUMNS)
}

/// URLs as the value of `$1`.
pub(super) fn urls_parameter(urls: &[impl AsRef<str>]) -> Result<sea_orm::Value, DbError> {
    let list: Vec<_> = urls.iter().map(|url| Row { url: url.as_ref() }).collect();
    parameter(&list)
}
