//! Lets go of the staged bytes of versions that failed and were not retried in time.
//!
//! - *does*: in chunks, makes the rows let go of the bytes and writes these down as discarded.
//! - *safe to repeat because* a version without staged bytes is not looked at again.
//! - *if it dies here*, the rest goes next time, and what was discarded is removed by its job.
//! - *on failure* of the database the same.

use super::chunk::CHUNK;
use crate::attempt_error::AttemptError;
use crate::tools::Tools;

/// Runs the job.
pub async fn expire_failed(tools: &Tools) -> Result<(), AttemptError> {
    let now = tools.clock.now();
    let before = now.minus(tools.retention.failed);
    let traces = |staged: &str| tools.places.traces_of(staged);
    while ledger::expire_failed(&tools.db, before, CHUNK, now, traces).await? > 0 {}
    Ok(())
}
