//! Strays: objects in storage that no row refers to and that are too old to belong to an upload
//! under way. Their age is the caller's to judge.
//!
//! In staging they are discarded at once: nobody was ever told that they are kept. In the store
//! they stay in quarantine for a while, where they lie, so that a mistake (a database restored
//! from an older backup) can be put right.

use super::batch::{execute, query};
use super::references::{FoundObject, OBJECTS, is_unreferred, objects_parameter, unreferred};
use super::{Database, DbError, discards};
use domain::Timestamp;

/// True of an object `x` that is a stray and isn't known as one yet.
const UNKNOWN: &str = "NOT EXISTS (SELECT 1 FROM discards WHERE discards.url = x.url) \
     AND NOT EXISTS (SELECT 1 FROM quarantine WHERE quarantine.url = x.url)";

/// Those of `objects` that no row refers to, that are not to be removed already and that aren't
/// in quarantine.
pub async fn find_strays(db: &Database, objects: &[FoundObject]) -> Result<Vec<String>, DbError> {
    if objects.is_empty() {
        return Ok(Vec::new());
    }
    let dialect = db.dialect();
    let sql = format!(
        "SELECT x.url FROM {} WHERE {} AND {UNKNOWN}",
        dialect.rows(OBJECTS),
        is_unreferred(dialect)
    );
    let found = query(db.reader(), sql, [objects_parameter(objects)?]).await?;
    found
        .iter()
        .map(|row| Ok(row.try_get_by_index(0)?))
        .collect()
}

/// Writes down as discarded those of `objects` that no row refers to, and says how many it were.
pub async fn discard_strays(
    db: &Database,
    objects: &[FoundObject],
    now: Timestamp,
) -> Result<u64, DbError> {
    let dialect = db.dialect();
    let sql = format!(
        "INSERT INTO discards (url, at) SELECT x.url, $2 FROM {} WHERE {} AND {UNKNOWN} ON CONFLICT DO NOTHING",
        dialect.rows(OBJECTS),
        is_unreferred(dialect)
    );
    insert(db, sql, objects, now).await
}

/// Puts into quarantine those of `objects` that no row refers to, and says how many it were.
pub async fn quarantine_strays(
    db: &Database,
    objects: &[FoundObject],
    now: Timestamp,
) -> Result<u64, DbError> {
    let dialect = db.dialect();
    let sql = format!(
        "INSERT INTO quarantine (url, size_bytes, since) SELECT x.url, x.size_bytes, $2 FROM {} \
         WHERE {} AND {UNKNOWN} ON CONFLICT DO NOTHING",
        dialect.rows(OBJECTS),
        is_unreferred(dialect)
    );
    insert(db, sql, objects, now).await
}

async fn insert(
    db: &Database,
    sql: String,
    objects: &[FoundObject],
    now: Timestamp,
) -> Result<u64, DbError> {
    if objects.is_empty() {
        return Ok(0);
    }
    let values = [objects_parameter(objects)?, now.as_micros().into()];
    execute(db.writer(), sql, values).await
}

/// Ends the quarantine of at most `limit` objects that are in it since before `before`, and says
/// how many it were: those that no row refers to are discarded, the others stay.
///
/// `found` tells where the object at a URL was staged; `None` if no place of the service has it.
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
    let list = discards::list(db.dialect());
    let end = format!("DELETE FROM quarantine WHERE url IN (SELECT x.url FROM {list})");
    execute(&transaction, end, [discards::urls_parameter(&urls)?]).await?;
    transaction.commit().await?;
    Ok(urls.len())
}

/// How many objects are in quarantine, and how many bytes they have.
pub async fn quarantined(db: &Database) -> Result<(u64, u64), DbError> {
    let sql = "SELECT count(*), CAST(COALESCE(sum(size_bytes), 0) AS bigint) FROM quarantine";
    let row = query(db.reader(), sql, []).await?;
    let row = row.first();
    let number = |index| -> Result<u64, DbError> {
        let number: Option<i64> = row.map(|row| row.try_get_by_index(index)).transpose()?;
        Ok(number.unwrap_or(0).unsigned_abs())
    };
    Ok((number(0)?, number(1)?))
}
