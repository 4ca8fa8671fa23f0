//! Objects that may be strays: listed from a place in chunks, old enough that no upload under
//! way needs them. Whether a row refers to them, the ledger says.

use std::sync::Arc;

use futures::TryStreamExt;
use futures::stream::{self, Stream};
use shared::db::FoundObject;
use shared::domain::Timestamp;
use shared::storage::{Entry, Places, Storage, StorageError};
use url::Url;

/// How many objects one question to the ledger is about.
const CHUNK: usize = 500;

/// The objects of `place` whose writes began before `before`, in chunks.
pub async fn old_objects(
    places: Places,
    place: &Arc<dyn Storage>,
    before: Timestamp,
) -> Result<impl Stream<Item = Result<Vec<FoundObject>, StorageError>> + Send + use<>, StorageError>
{
    let old = place
        .list(None)
        .await?
        .try_filter(move |entry| std::future::ready(entry.begun_at() < before));
    Ok(stream::try_unfold(
        (Box::pin(old.try_chunks(CHUNK)), places),
        |(mut chunks, places)| async move {
            let chunk = chunks.try_next().await.map_err(|error| error.1)?;
            let Some(chunk) = chunk else {
                return Ok(None);
            };
            let found = chunk.iter().map(|entry| found_object(&places, entry));
            let found = found.collect::<Result<Vec<_>, _>>()?;
            Ok(Some((found, (chunks, places))))
        },
    ))
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
        size: shared::domain::ByteSize::ZERO,
    })
}
