//! Forgets events that timelines don't need any more.
//!
//! - *does*: goes along the events that came since the last time, and along those that have become
//!   old since, in chunks; of each document that it meets, it removes what is beyond the newest
//!   ones.
//! - *safe to repeat because* it removes only what is too much.
//! - *if it dies here*, it goes on where it was, next time.
//! - *on failure* of the database the same.

use std::time::Duration;

use ledger::EventWalk;

use super::chunk::CHUNK;
use crate::attempt_error::AttemptError;
use crate::tools::Tools;

/// How old an event is before it is passed: one that commits later than the next ones is not
/// overlooked.
const SETTLED_AFTER: Duration = Duration::from_mins(1);

/// Chunks of one walk, of one job.
const CHUNKS: u32 = 2_000;

/// Runs the job.
pub async fn trim_events(tools: &Tools) -> Result<(), AttemptError> {
    let now = tools.clock.now();
    let old = now.minus(tools.retention.events.max(SETTLED_AFTER));
    for walk in [
        EventWalk::of_new(now.minus(SETTLED_AFTER)),
        EventWalk::of_old(old),
    ] {
        for _ in 0..CHUNKS {
            if ledger::trim_events(&tools.db, walk, CHUNK).await? {
                break;
            }
        }
    }
    Ok(())
}
