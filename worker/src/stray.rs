//! Strays: objects of a place that are old enough that no upload under way needs them, and to which
//! no row refers, as the ledger says.

use std::collections::HashSet;
use std::sync::Arc;

use domain::Timestamp;
use futures::TryStreamExt;
use ledger::{Database, DbError, FoundObject};
use storage::{Entry, Places, Storage, StorageError};
use url::Url;

/// How many objects one question to the ledger is about.
const CHUNK: usize = 500;

/// How many strays are held in memory at most.
const HELD: usize = 10_000;

/// What a look at a place found.
#[derive(Debug, Default)]
pub struct Survey {
    /// How many objects it has.
    pub listed: u64,
    /// How many of them are old, have no row, and are not on their way out yet.
    pub strays: u64,
    /// The first of these; with more of them, another look finds the others.
    pub held: Vec<FoundObject>,
}

impl Survey {
    /// Whether there are strays that it doesn't hold.
    pub fn is_cut_off(&self) -> bool {
        self.strays > self.held.len() as u64
    }
}

/// Looks through `place` for objects without a row whose writes began before `before`.
pub async fn survey<E>(
    db: &Database,
    places: &Places,
    place: &Arc<dyn Storage>,
    before: Timestamp,
) -> Result<Survey, E>
where
    E: From<StorageError> + From<DbError>,
{
    let mut survey = Survey::default();
    let mut chunks = place.list(None).await?.try_chunks(CHUNK);
    while let Some(chunk) = chunks.try_next().await.map_err(|error| error.1)? {
        survey.listed += chunk.len() as u64;
        let old = chunk.iter().filter(|entry| entry.begun_at() < before);
        let old = old.map(|entry| found_object(places, entry));
        let old = old.collect::<Result<Vec<_>, _>>()?;
        let strays: HashSet<_> = ledger::find_strays(db, &old).await?.into_iter().collect();
        survey.strays += strays.len() as u64;
        let room = HELD - survey.held.len();
        let old = old.into_iter();
        let found = old.filter(|object| strays.contains(object.url.as_str()));
        survey.held.extend(found.take(room));
    }
    Ok(survey)
}

/// The entry as the ledger is asked about it.
pub fn found_object(places: &Places, entry: &Entry) -> Result<FoundObject, StorageError> {
    Ok(FoundObject {
        staged: places.origin_of(&entry.url)?,
        url: entry.url.clone(),
        size: entry.stat.size,
    })
}

/// The object at a URL that was written down; `None` if it is in no place of ours.
pub fn object_at(places: &Places, url: &str) -> Option<FoundObject> {
    let url: Url = url.parse().ok()?;
    Some(FoundObject {
        staged: places.origin_of(&url).ok()?,
        url,
        size: domain::ByteSize::ZERO,
    })
}
