//! Finds orphans: objects of a place to which no row refers and which are too old to belong to an
//! upload in progress.

use std::collections::HashSet;
use std::sync::Arc;

use domain::Timestamp;
use futures::TryStreamExt;
use ledger::{Database, DbError, FoundObject};
use storage::{Entry, Storage, StorageError, StorageRouter};
use url::Url;

/// Objects checked by one query.
const CHUNK: usize = 500;

/// The most orphans held in memory.
const HELD: usize = 10_000;

/// The result of scanning a place.
#[derive(Debug, Default)]
pub struct OrphanScan {
    /// The number of objects in the place.
    pub listed: u64,
    /// How many of them are old, have no row, and are not yet discarded or quarantined.
    pub strays: u64,
    /// The first of these; another scan finds the rest.
    pub held: Vec<FoundObject>,
}

impl OrphanScan {
    /// Returns whether there are more orphans than it holds.
    pub fn is_cut_off(&self) -> bool {
        self.strays > self.held.len() as u64
    }
}

/// Scans `place` for objects without a row whose writes began before `before`.
pub async fn find_orphans<E>(
    db: &Database,
    places: &StorageRouter,
    place: &Arc<dyn Storage>,
    before: Timestamp,
) -> Result<OrphanScan, E>
where
    E: From<StorageError> + From<DbError>,
{
    let mut scan = OrphanScan::default();
    let mut chunks = place.list(None).await?.try_chunks(CHUNK);
    while let Some(chunk) = chunks.try_next().await.map_err(|error| error.1)? {
        scan.listed += chunk.len() as u64;
        let old = chunk.iter().filter(|entry| entry.begun_at() < before);
        let old = old.map(|entry| found_object(places, entry));
        let old = old.collect::<Result<Vec<_>, _>>()?;
        let strays: HashSet<_> = ledger::find_strays(db, &old).await?.into_iter().collect();
        scan.strays += strays.len() as u64;
        let room = HELD - scan.held.len();
        let old = old.into_iter();
        let found = old.filter(|object| strays.contains(object.url.as_str()));
        scan.held.extend(found.take(room));
    }
    Ok(scan)
}

/// Converts a listed entry to the form in which the ledger is queried.
pub fn found_object(places: &StorageRouter, entry: &Entry) -> Result<FoundObject, StorageError> {
    Ok(FoundObject {
        staged: places.origin_of(&entry.url)?,
        url: entry.url.clone(),
        size: entry.stat.size,
    })
}

/// Returns the object at a recorded URL; `None` if it is in none of our places.
pub fn object_at(places: &StorageRouter, url: &str) -> Option<FoundObject> {
    let url: Url = url.parse().ok()?;
    Some(FoundObject {
        staged: places.origin_of(&url).ok()?,
        url,
        size: domain::ByteSize::ZERO,
    })
}
