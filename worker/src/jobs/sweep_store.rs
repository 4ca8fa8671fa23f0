//! Finds bytes of the store that no row refers to.
//!
//! - *does*: goes through the store and puts what is too old to belong to an upload under way, and
//!   has no row, into quarantine, where it lies. Whose time in quarantine is over is discarded
//!   if there is still no row for it.
//! - *safe to repeat because* what is in quarantine already keeps its time.
//! - *if it dies here*, the next one begins anew.
//! - *on failure* of storage or database it is tried again.

use futures::TryStreamExt;
use shared::db;
use tracing::warn;

use super::CHUNK;
use crate::fault::Fault;
use crate::stray::{object_at, old_objects};
use crate::tools::Tools;

/// Runs the job.
pub async fn sweep_store(tools: &Tools) -> Result<(), Fault> {
    let now = tools.clock.now();
    let before = now.minus(tools.retention.stray);
    let chunks = old_objects(tools.places.clone(), tools.places.store(), before).await?;
    let mut chunks = std::pin::pin!(chunks);
    let mut strays = 0;
    while let Some(chunk) = chunks.try_next().await? {
        strays += db::quarantine_strays(&tools.db, &chunk, now).await?;
    }
    if strays > 0 {
        warn!(
            strays,
            "stored bytes without a row were put into quarantine"
        );
    }
    let over = now.minus(tools.retention.quarantined);
    let places = &tools.places;
    let found = |url: &str| object_at(places, url);
    while db::end_quarantine(&tools.db, over, CHUNK, now, found).await? > 0 {}
    Ok(())
}
