//! Removes bytes that no row refers to any more and that the remover left, until none are left.
//!
//! - *does*: takes the ledger's list of discarded bytes in batches, removes them, forgets them.
//! - *safe to repeat because* removing what is gone is a success, and so is forgetting it.
//! - *if it dies here*, what was removed but not forgotten is removed again.
//! - *on failure* of some, the others are removed; another attempt follows.

use shared::db;
use shared::domain::ErrorCode;
use url::Url;

use crate::fault::Fault;
use crate::remover::{BATCH, remove_batch};
use crate::tools::Tools;

/// Runs the job.
pub async fn remove_discarded(tools: &Tools) -> Result<(), Fault> {
    loop {
        let listed = db::discarded(&tools.db, BATCH as u64).await?;
        if listed.is_empty() {
            return Ok(());
        }
        let urls: Vec<Url> = listed.iter().filter_map(|url| url.parse().ok()).collect();
        let removal = remove_batch(&tools.db, &tools.places, urls).await?;
        // Those that fail stay in front: without progress the loop would never end.
        if removal.removed == 0 {
            return Err(Fault::Retry {
                code: ErrorCode::StorageUnavailable,
                cause: removal
                    .failure
                    .map_or_else(|| "what is to be removed is not a URL".into(), Into::into),
            });
        }
    }
}
