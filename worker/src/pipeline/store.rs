//! The step that writes to the store.
//!
//! - *does*: takes the staged bytes into the store by the cheapest safe way, unless the same
//!   content is there already. Content that the ledger knows and the store has lost is written
//!   anew in its place, which mends it for all who have it.
//! - *safe to repeat because* the key in the store follows from the staged one: a second attempt
//!   finds what the first one did. What is written anew is a copy: the staged bytes stay until
//!   the version is active.
//! - *if it dies here*, the bytes are at either end, and `verify` finds them.
//! - *on failure* of storage it is tried again; bytes that are not those that were accepted
//!   reject the version as `digest_mismatch`.

use domain::{BlobId, Clock};
use ledger::{Activation, BlobOrigin};
use storage::{StorageError, StorageRouter};
use tracing::warn;
use url::Url;

use super::check::Permitted;
use super::verify::Present;
use crate::attempt_error::AttemptError;

/// A version whose bytes are in the store: all that is needed to make it active.
#[derive(Debug)]
pub struct InStore(pub Activation);

/// Stores the bytes of a permitted version.
pub async fn store(
    Permitted(identified): Permitted<'_>,
    places: &StorageRouter,
    clock: &dyn Clock,
) -> Result<InStore, AttemptError> {
    let Present {
        pending, upload, ..
    } = identified.present;
    let (location, origin, leftovers) = if let Some(stored) = &upload.stored {
        let origin = share(&identified.present, stored, places).await?;
        let leftovers = traces_but(places, &upload.staged, stored);
        (stored.clone(), origin, leftovers)
    } else {
        let taken = places
            .take(&upload.staged, pending.size, upload.sha256)
            .await?;
        let leftovers = taken.leftover.into_iter().collect();
        (taken.url, BlobOrigin::Stored, leftovers)
    };
    Ok(InStore(Activation {
        media_type: identified.media_type,
        type_mismatch: identified.type_mismatch,
        blob: BlobId::new(clock.now()),
        location,
        origin,
        leftovers,
    }))
}

/// Makes sure that the content at `stored` is there, as far as its length tells.
async fn share(
    present: &Present<'_>,
    stored: &Url,
    places: &StorageRouter,
) -> Result<BlobOrigin, AttemptError> {
    let Present {
        pending,
        upload,
        location,
    } = present;
    if location == stored {
        // `verify` has just found it.
        return Ok(BlobOrigin::Shared);
    }
    let there = match places.stat(stored).await {
        Ok(there) => there,
        // Of a store that isn't configured any more nothing can be told.
        Err(StorageError::UnknownPlace { .. }) => return Ok(BlobOrigin::Shared),
        Err(error) => return Err(error.into()),
    };
    if there.is_some_and(|stat| stat.size == pending.size) {
        return Ok(BlobOrigin::Shared);
    }
    warn!(storage.url = %stored, "stored bytes are missing or damaged and are written anew");
    places
        .put_back(stored, location, pending.size, upload.sha256)
        .await?;
    Ok(BlobOrigin::PutBack)
}

/// Where copies of the staged bytes may lie, save where the content is kept.
fn traces_but(places: &StorageRouter, staged: &Url, kept: &Url) -> Vec<Url> {
    let mut traces = places.traces(staged);
    traces.retain(|trace| trace != kept);
    traces
}
