//! Orphaned objects: those in storage that no row refers to and that are too old to belong to an
//! upload in progress. The caller judges their age.
//!
//! In staging they are discarded at once, since their upload was never acknowledged. In the store
//! they stay in quarantine for a while, in place, so that a mistake (a database restored from an
//! older backup) can be undone.

use sea_orm::FromQueryResult;

use super::batch::{query, query_as};
use super::references::{FoundObject, OBJECTS, is_unreferred, objects_parameter, unreferred};
use super::tables::{self, quarantine};
use super::{Database, DbError, discards};
use domain::Timestamp;

/// True of an object `x` that is a stray and isn't recorded as one yet.
const UNKNOWN: &str = "NOT EXISTS (SELECT 1 FROM discards WHERE discards.url = x.url) \
     AND NOT EXISTS (SELECT 1 FROM quarantine WHERE quarantine.url = x.url)";

/// The objects of `$1` that are strays and aren't recorded as such yet, as a FROM item `x` with its
/// conditions.
fn strays(db: &Database) -> String {
    let dialect = db.dialect();
    let (objects, is_unreferred) = (dialect.rows(OBJECTS), is_unreferred(dialect));
    format!("{objects} WHERE {is_unreferred} AND {UNKNOWN}")
}

/// Returns those of `objects` that no row refers to, and that are neither discarded nor
/// quarantined.
pub async fn find_strays(db: &Database, objects: &[FoundObject]) -> Result<Vec<String>, DbError> {
    if objects.is_empty() {
        return Ok(Vec::new());
    }
    let sql = format!("SELECT x.url FROM {}", strays(db));
    let found = query(db.reader(), sql, [objects_parameter(objects)?]).await?;
    found
        .iter()
        .map(|row| Ok(row.try_get_by_index(0)?))
        .collect()
}

/// Discards those of `objects` that no row refers to. Returns how many were discarded.
pub async fn discard_strays(
    db: &Database,
    objects: &[FoundObject],
    now: Timestamp,
) -> Result<u64, DbError> {
    if objects.is_empty() {
        return Ok(0);
    }
    let objects = objects_parameter(objects)?;
    tables::discards::insert_from(db.writer(), &strays(db), objects, now).await
}

/// Quarantines those of `objects` that no row refers to. Returns how many were quarantined.
pub async fn quarantine_strays(
    db: &Database,
    objects: &[FoundObject],
    now: Timestamp,
) -> Result<u64, DbError> {
    if objects.is_empty() {
        return Ok(0);
    }
    let objects = objects_parameter(objects)?;
    quarantine::insert_from(db.writer(), &strays(db), objects, now).await
}

/// Ends the quarantine of at most `limit` objects quarantined before `before`, and returns how many
/// there were: those that no row refers to are discarded, the others stay.
///
/// `found` returns the object at a URL, with the URL of its staged bytes; `None` if no place of the
/// service has it.
pub async fn end_quarantine(
    db: &Database,
    before: Timestamp,
    limit: u32,
    now: Timestamp,
    found: impl Fn(&str) -> Option<FoundObject> + Send,
) -> Result<usize, DbError> {
    let transaction = db.begin().await?;
    let over = "SELECT url FROM quarantine WHERE since <= $1 ORDER BY since LIMIT $2";
    let values = [before.as_micros().into(), i64::from(limit).into()];
    let (mut urls, mut objects) = (Vec::<String>::new(), Vec::new());
    for row in query(&transaction, over, values).await? {
        let url: String = row.try_get_by_index(0)?;
        objects.extend(found(&url));
        urls.push(url);
    }
    drop(found);
    if urls.is_empty() {
        return Ok(0);
    }
    let strays = unreferred(&transaction, &objects).await?;
    discards::add(&transaction, &strays, now).await?;
    quarantine::delete(&transaction, &urls).await?;
    transaction.commit().await?;
    Ok(urls.len())
}

/// Returns the number of quarantined objects, and of their bytes.
pub async fn quarantined(db: &Database) -> Result<(u64, u64), DbError> {
    let sql = "SELECT count(*) AS objects, \
         CAST(COALESCE(sum(size_bytes), 0) AS bigint) AS bytes FROM quarantine";
    let found: Vec<LevelRow> = query_as(db.reader(), sql, []).await?;
    let level = found.first();
    Ok(level.map_or((0, 0), |level| {
        (level.objects.unsigned_abs(), level.bytes.unsigned_abs())
    }))
}

#[derive(FromQueryResult)]
struct LevelRow {
    objects: i64,
    bytes: i64,
}
