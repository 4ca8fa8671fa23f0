//! Probes: check in bounded time that a dependency does what jobs need.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use domain::Timestamp;
use futures::stream;
use ledger::Database;
use storage::{Storage, StorageRouter, WriteError};
use tokio::time::timeout;

/// A dependency that takes longer counts as down.
const PATIENCE: Duration = Duration::from_secs(5);

/// What a probe writes: more than the small gaps that a full disk still has.
static PROBE: [u8; 64 << 10] = [0; 64 << 10];

/// Why a probe failed.
pub type Failure = Box<dyn Error + Send + Sync>;

/// Checks that the database answers, has the schema of this release, and accepts writes.
pub async fn database(db: &Database) -> Result<(), Failure> {
    Ok(timeout(PATIENCE, db.check()).await??)
}

/// Checks that a place stores and deletes an object. An object left behind has no row; the cleanup
/// removes it.
pub async fn place(
    places: &StorageRouter,
    storage: &Arc<dyn Storage>,
    now: Timestamp,
) -> Result<(), Failure> {
    let write = async {
        storage.check().await?;
        let place = places.with_adapters(Arc::clone(storage), Arc::clone(storage));
        let bytes = Box::pin(stream::iter([Ok(Bytes::from_static(&PROBE))]));
        let staged = place.stage(now, bytes).await?;
        place.delete(&staged.url).await?;
        Ok::<(), WriteError>(())
    };
    Ok(timeout(PATIENCE, write).await??)
}
