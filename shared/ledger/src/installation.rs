//! The id of this ledger, and the places that carry its mark. Called by `ownership`.

use url::Url;

use super::audit::known_objects;
use super::batch::query;
use super::tables::{installation, places};
use super::{Database, DbError};
use domain::{InstallationId, Timestamp};

/// Sorts behind every key, and before what isn't in the place.
const BEHIND_KEYS: &str = "~";

/// The id of this ledger, which the first call generates.
pub async fn installation(db: &Database, now: Timestamp) -> Result<InstallationId, DbError> {
    if let Some(id) = installation::find(db.reader()).await? {
        return Ok(id);
    }
    installation::insert(db.writer(), now).await?;
    // Another process may have been faster.
    let found = installation::find(db.reader()).await?;
    found.ok_or_else(|| DbError::corrupt("installation", "one", 1))
}

/// The places that this ledger has marked as its own.
pub async fn marked_places(db: &Database) -> Result<Vec<String>, DbError> {
    places::list(db.reader()).await
}

/// Records that places carry the mark of this ledger.
pub async fn remember_marked(db: &Database, marked: &[Url], now: Timestamp) -> Result<(), DbError> {
    for place in marked {
        places::insert(db.writer(), place.as_str(), now).await?;
    }
    Ok(())
}

/// Whether rows refer to objects of a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlaceUse {
    /// No row says that there ever was one.
    Never,
    /// There were objects, which may be gone by now.
    Past,
    /// There are objects.
    Current,
}

/// How many rows are read to find one whose bytes must exist.
const SAMPLE: u32 = 100;

/// Whether rows of this ledger refer to objects of `place`.
pub async fn place_use(db: &Database, place: &Url) -> Result<PlaceUse, DbError> {
    let (after, until) = (place.as_str(), format!("{place}{BEHIND_KEYS}"));
    let known = known_objects(db, after, &until, SAMPLE).await?;
    // Staged bytes may have been moved into the store.
    if known.iter().any(|object| !object.is_staged()) {
        return Ok(PlaceUse::Current);
    }
    if !known.is_empty() {
        return Ok(PlaceUse::Past);
    }
    let bytewise = db.dialect().bytewise();
    for table in ["discards", "quarantine"] {
        let sql = format!(
            "SELECT url FROM {table} WHERE url{bytewise} > $1 AND url{bytewise} < $2 LIMIT 1"
        );
        let found = query(db.reader(), sql, [after.into(), until.as_str().into()]).await?;
        if !found.is_empty() {
            return Ok(PlaceUse::Past);
        }
    }
    Ok(PlaceUse::Never)
}

/// How many objects of `place` are in quarantine.
pub async fn quarantined_in(db: &Database, place: &Url) -> Result<u64, DbError> {
    let sql = "SELECT count(*) FROM quarantine WHERE url > $1 AND url < $2";
    let until = format!("{place}{BEHIND_KEYS}");
    let found = query(db.reader(), sql, [place.as_str().into(), until.into()]).await?;
    let count: i64 = match found.first() {
        Some(row) => row.try_get_by_index(0)?,
        None => 0,
    };
    Ok(count.unsigned_abs())
}
