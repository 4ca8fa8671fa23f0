//! Changes of the cleanup in the ledger, in bounded batches. The caller repeats until a batch is
//! empty; other workers may do the same concurrently.

mod archived;
mod events;
mod failed;
mod failures;
mod finished;
mod history;
mod log;

pub use archived::purge_archived;
pub use events::trim_events;
pub use failed::expire_failed;
pub use failures::forget_failures;
pub use finished::{FinishedBefore, forget_finished_jobs};
pub use history::{PruneRequest, Pruned, prune_versions};
