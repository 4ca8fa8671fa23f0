//! Probes: whether a part does what jobs need of it, tried in a bounded time.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use domain::Timestamp;
use futures::stream;
use ledger::Database;
use storage::{Places, Storage, WriteError};
use tokio::time::timeout;

/// A part that takes longer is as good as away.
const PATIENCE: Duration = Duration::from_secs(5);

/// What is written to a place: more than a full disk has left over here and there.
static PROBE: [u8; 64 << 10] = [0; 64 << 10];

/// Why a part is away.
pub type Failure = Box<dyn Error + Send + Sync>;

/// Whether the database answers, has the schema of this release, and can write.
pub async fn database(db: &Database) -> Result<(), Failure> {
    Ok(timeout(PATIENCE, db.check()).await??)
}

/// Whether a place takes bytes and gives them up again. An object that is left over has no row:
/// the cleanup finds it.
pub async fn place(
    places: &Places,
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
