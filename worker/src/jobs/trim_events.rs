//! Deletes events that timelines and feeds no longer need, and deliveries of the same age.
//!
//! - *does*: scans the events that have become old since the last run, in batches: they leave the
//!   feeds, and for each document among them it deletes all but the newest events.
//! - *safe to repeat because* it only deletes old events.
//! - *if it dies here*, the next run continues from the last position.
//! - *on failure* of the database, the same.

use std::time::Duration;

use super::batch_size::BATCH_SIZE;
use crate::attempt_error::AttemptError;
use crate::tools::Tools;

/// The age at which an event is scanned, so that one that commits late is not skipped.
const SETTLED_AFTER: Duration = Duration::from_mins(1);

/// The most batches of one scan in one job.
const CHUNKS: u32 = 2_000;

/// Runs the job.
pub async fn trim_events(tools: &Tools) -> Result<(), AttemptError> {
    let now = tools.clock.now();
    let old = now.minus(tools.retention.events.max(SETTLED_AFTER));
    for _ in 0..CHUNKS {
        if ledger::trim_events(&tools.db, old, BATCH_SIZE).await? {
            break;
        }
    }
    for _ in 0..CHUNKS {
        if ledger::forget_deliveries(&tools.db, old).await? {
            break;
        }
    }
    Ok(())
}
