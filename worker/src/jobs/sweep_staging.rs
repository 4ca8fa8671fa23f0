//! Discards what uploads left behind that never became documents.
//!
//! - *does*: removes drafts and aborts multipart uploads that are too old to be under way; where
//!   staging is a place of its own, goes through it and writes down as discarded what is too old
//!   and has no row. Where it is the store as well, `sweep_store` does.
//! - *safe to repeat because* what is gone is not found again.
//! - *if it dies here*, the rest goes next time, and what was discarded is removed by its job.
//! - *on failure* of storage or database it is tried again.
//!
//! An upload under way is never touched: it may take half of the time after which bytes are too
//! old, counted from the moment its key was made, and is refused if it takes longer. Should
//! clocks differ by more than the other half, the intake still finds that its bytes are discarded,
//! and refuses it.

use futures::TryStreamExt;
use shared::db;
use tracing::info;

use crate::fault::Fault;
use crate::stray::old_objects;
use crate::tools::Tools;

/// Runs the job.
pub async fn sweep_staging(tools: &Tools) -> Result<(), Fault> {
    let now = tools.clock.now();
    let before = now.minus(tools.retention.stray);
    let unfinished = tools.places.sweep(before).await?;
    let mut strays = 0;
    if !tools.places.are_one() {
        let staging = tools.places.staging();
        let chunks = old_objects(tools.places.clone(), staging, before).await?;
        let mut chunks = std::pin::pin!(chunks);
        while let Some(chunk) = chunks.try_next().await? {
            strays += db::discard_strays(&tools.db, &chunk, now).await?;
        }
    }
    if unfinished + strays > 0 {
        info!(
            unfinished,
            strays, "left-behind bytes of uploads were discarded"
        );
    }
    Ok(())
}
