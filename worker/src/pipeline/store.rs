//! The step that moves the bytes into the store.
//!
//! - *does*: moves the staged bytes into the store in the cheapest safe way, unless the same
//!   content is already there. An inline body is written under the key of its staged URL. Content
//!   that the ledger knows but the store has lost is rewritten in place, which repairs it for all
//!   documents that share it.
//! - *safe to repeat because* the key in the store is derived from the staged one, so a second
//!   attempt finds the result of the first. A rewrite copies: the staged bytes stay until the
//!   version is active.
//! - *if it dies here*, the bytes are in staging or in the store, and `verify` finds them; an inline
//!   body is still in its row, and is written again.
//! - *on failure* of storage it is retried; if the bytes have changed since the upload, the version
//!   is rejected as `digest_mismatch`.

use domain::{BlobId, Clock};
use ledger::{Activation, BlobOrigin};
use storage::{StorageError, StorageRouter};
use tracing::warn;
use url::Url;

use super::check::Permitted;
use super::verify::Present;
use crate::attempt_error::AttemptError;

/// A version whose bytes are in the store, ready to be activated.
#[derive(Debug)]
pub struct InStore(pub Activation);

/// Stores the bytes of a checked version.
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
    } else if let Some(body) = &upload.body {
        let stored = places.store_body(&upload.staged, body.clone()).await?;
        (stored, BlobOrigin::Stored, Vec::new())
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

/// Checks by its length that the content at `stored` exists.
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
    if upload.body.is_none() && location == stored {
        // `verify` has just found them.
        return Ok(BlobOrigin::Shared);
    }
    let there = match places.stat(stored).await {
        Ok(there) => there,
        // A store that is no longer configured can't be checked.
        Err(StorageError::UnknownPlace { .. }) => return Ok(BlobOrigin::Shared),
        Err(error) => return Err(error.into()),
    };
    if there.is_some_and(|stat| stat.size == pending.size) {
        return Ok(BlobOrigin::Shared);
    }
    warn!(storage.url = %stored, "stored bytes are missing or damaged; rewriting them");
    if let Some(body) = &upload.body {
        places.put_body_back(stored, body.clone()).await?;
    } else {
        let (size, sha256) = (pending.size, upload.sha256);
        places.put_back(stored, location, size, sha256).await?;
    }
    Ok(BlobOrigin::PutBack)
}

/// Returns the URLs of possible copies of the staged bytes, except the stored content itself.
fn traces_but(places: &StorageRouter, staged: &Url, kept: &Url) -> Vec<Url> {
    let mut traces = places.traces(staged);
    traces.retain(|trace| trace != kept);
    traces
}
