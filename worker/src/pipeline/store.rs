//! The step that writes to the store.
//!
//! - *does*: takes the staged bytes into the store by the cheapest safe way, unless the same
//!   content is there already.
//! - *safe to repeat because* the key in the store follows from the staged one: a second attempt
//!   finds what the first one did.
//! - *if it dies here*, the bytes are at either end, and `verify` finds them.
//! - *on failure* of storage it is tried again; bytes that are not those that were accepted
//!   reject the version as `digest_mismatch`.

use shared::db::{Activation, BlobOrigin};
use shared::domain::{BlobId, Clock};
use shared::storage::Places;
use url::Url;

use super::check::Permitted;
use crate::fault::Fault;

/// A version whose bytes are in the store: all that is needed to make it active.
#[derive(Debug)]
pub struct InStore(pub Activation);

/// Stores the bytes of a permitted version.
pub async fn store(
    Permitted(identified): Permitted<'_>,
    places: &Places,
    clock: &dyn Clock,
) -> Result<InStore, Fault> {
    let pending = identified.present.pending;
    let (location, origin, leftovers) = if let Some(stored) = &pending.stored {
        let leftovers = traces_but(places, &pending.staged, stored);
        (stored.clone(), BlobOrigin::Shared, leftovers)
    } else {
        let taken = places
            .take(&pending.staged, pending.size, pending.sha256)
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

/// Where copies of the staged bytes may lie, save where the content is kept.
fn traces_but(places: &Places, staged: &Url, kept: &Url) -> Vec<Url> {
    let mut traces = places.traces(staged);
    traces.retain(|trace| trace != kept);
    traces
}
