//! Discarded bytes: URLs that no row refers to any more, until their bytes are removed. Users are
//! charged for what they discard, by the counter `discarded_bytes` of their rows.

use std::collections::HashSet;

use sea_orm::{ConnectionTrait, FromQueryResult};
use uuid::Uuid;

use super::batch::{parameter, query, query_as};
use super::dialect::Dialect;
use super::tables::discards;
use super::tables::users::{self, Charges};
use super::{Database, DbError};
use domain::{Allowances, Timestamp};

pub(super) use super::tables::discards::Discard;

/// The number of users whose counters are repaired at once.
const MENDED: i64 = 1_000;

/// The maximum number of rows counted for the metrics.
const MOST_COUNTED: i64 = 1_000_000;

/// Discards the bytes at `urls`, in the transaction that removes the last reference to them.
pub(super) async fn add(
    connection: &impl ConnectionTrait,
    urls: &[impl AsRef<str> + Sync],
    now: Timestamp,
) -> Result<(), DbError> {
    if urls.is_empty() {
        return Ok(());
    }
    discards::insert(connection, urls, now).await
}

impl Discard {
    /// Creates a discard of `size` bytes at `url`.
    pub(super) fn of(owner_id: Uuid, url: String, size: i64) -> Self {
        Self {
            url,
            owner_id,
            charged_bytes: at_least_a_block(size),
        }
    }

    /// Creates a discard of bytes at one of these URLs.
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

/// The minimum charge of an object, on disk and in the ledger.
fn at_least_a_block(size: i64) -> i64 {
    size.max(Allowances::BLOCK.cast_signed())
}

/// Like [`add`], and charges the owners: the caller writes `charges` in the same transaction.
pub(super) async fn add_charged(
    connection: &impl ConnectionTrait,
    let_go: &[Discard],
    charges: &mut Charges,
    now: Timestamp,
) -> Result<(), DbError> {
    if let_go.is_empty() {
        return Ok(());
    }
    for charge in discards::insert_charged(connection, let_go, now).await? {
        if let Some(owner) = charge.owner_id {
            charges.to(owner).discarded_bytes += charge.charged_bytes;
        }
    }
    Ok(())
}

/// Returns those of `urls` whose bytes are discarded.
pub(super) async fn among(
    connection: &impl ConnectionTrait,
    urls: &[&str],
) -> Result<HashSet<String>, DbError> {
    let texts = Dialect::of(connection).texts();
    let sql = format!("SELECT url FROM discards WHERE url IN ({texts})");
    let found = query(connection, sql, [parameter(urls)?]).await?;
    found
        .iter()
        .map(|row| Ok(row.try_get_by_index(0)?))
        .collect()
}

/// Bytes that are to be removed, and their place in the order of that.
#[derive(Clone, Debug, Default, PartialEq, Eq, FromQueryResult)]
pub struct DueDiscard {
    /// When they were, or are, to be removed, in microseconds.
    at: i64,
    /// Their URL.
    pub url: String,
}

impl AsRef<str> for DueDiscard {
    fn as_ref(&self) -> &str {
        &self.url
    }
}

/// Returns at most `limit` discarded bytes after `after` that are to be removed by now, those that
/// wait longest first.
pub async fn discarded(
    db: &Database,
    after: &DueDiscard,
    limit: u64,
    now: Timestamp,
) -> Result<Vec<DueDiscard>, DbError> {
    let sql = "SELECT at, url FROM discards WHERE at <= $1 AND (at, url) > ($2, $3) \
         ORDER BY at, url LIMIT $4";
    let values = [
        now.as_micros().into(),
        after.at.into(),
        after.url.as_str().into(),
        limit.cast_signed().into(),
    ];
    query_as(db.reader(), sql, values).await
}

/// Postpones the removal of the bytes at `urls`.
pub async fn postpone_discarded(
    db: &Database,
    urls: &[impl AsRef<str> + Sync],
    until: Timestamp,
) -> Result<(), DbError> {
    if urls.is_empty() {
        return Ok(());
    }
    discards::postpone(db.writer(), urls, until).await
}

/// Deletes URLs whose bytes have been removed.
pub async fn forget_discarded(
    db: &Database,
    urls: &[impl AsRef<str> + Sync],
) -> Result<(), DbError> {
    if !urls.is_empty() {
        forget_where(db, urls, "true").await?;
    }
    Ok(())
}

/// Deletes those of `urls` for which `condition` is true, and returns how many. Their owners are no
/// longer charged for them.
pub(super) async fn forget_where(
    db: &Database,
    urls: &[impl AsRef<str> + Sync],
    condition: &str,
) -> Result<u64, DbError> {
    let transaction = db.begin().await?;
    let gone = discards::delete(&transaction, urls, condition).await?;
    let mut charges = Charges::default();
    for charge in &gone {
        if let Some(owner) = charge.owner_id {
            charges.to(owner).discarded_bytes -= charge.charged_bytes;
        }
    }
    charges.write(&transaction).await?;
    transaction.commit().await?;
    Ok(gone.len() as u64)
}

/// Resets the counters of users without discarded bytes: a release that doesn't know the counters
/// may have removed them.
pub async fn recount_discarded_bytes(db: &Database) -> Result<(), DbError> {
    const DONE: &str = "discarded_bytes <> 0 \
         AND NOT EXISTS (SELECT 1 FROM discards d WHERE d.owner_id = users.id)";
    let none = format!("SELECT 1 FROM users WHERE {DONE} LIMIT 1");
    if query(db.reader(), none, []).await?.is_empty() {
        return Ok(());
    }
    let transaction = db.begin().await?;
    let dialect = db.dialect();
    // A transaction that charges them has their rows locked: after the lock its writes are visible.
    let sql = format!(
        "SELECT id FROM users WHERE {DONE} ORDER BY id LIMIT $1{}",
        dialect.lock_rows("users")
    );
    let mut done: Vec<Uuid> = Vec::new();
    for row in query(&transaction, sql, [MENDED.into()]).await? {
        done.push(row.try_get_by_index(0)?);
    }
    users::clear_discarded(&transaction, &done).await?;
    transaction.commit().await?;
    Ok(())
}

/// The discarded bytes that wait for removal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DiscardLevel {
    /// Objects, up to a million.
    pub objects: u64,
    /// The bytes that users are charged for them.
    pub bytes: u64,
}

/// Returns the discarded bytes that wait for removal.
pub async fn discard_level(db: &Database) -> Result<DiscardLevel, DbError> {
    let sql = "SELECT (SELECT count(*) FROM (SELECT 1 FROM discards LIMIT $1) AS listed) AS objects, \
         (SELECT CAST(COALESCE(sum(discarded_bytes), 0) AS bigint) FROM users WHERE discarded_bytes <> 0) AS bytes";
    let found: Vec<LevelRow> = query_as(db.reader(), sql, [MOST_COUNTED.into()]).await?;
    let level = found.first().map(|row| DiscardLevel {
        objects: row.objects.unsigned_abs(),
        bytes: row.bytes.max(0).unsigned_abs(),
    });
    Ok(level.unwrap_or_default())
}

#[derive(FromQueryResult)]
struct LevelRow {
    objects: i64,
    bytes: i64,
}
