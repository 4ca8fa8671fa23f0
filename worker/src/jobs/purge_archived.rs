//! Deletes documents that were archived long ago, if the operator wants that.
//!
//! - *does*: in chunks, deletes them as their owners could: quota is given back, content loses
//!   references, bytes that nobody needs are written down as discarded.
//! - *safe to repeat because* what is gone is not found again.
//! - *if it dies here*, the rest goes next time, and what was discarded is removed by its job.
//! - *on failure* of the database the same.

use super::chunk::CHUNK;
use crate::attempt_error::AttemptError;
use crate::tools::Tools;

/// Runs the job.
pub async fn purge_archived(tools: &Tools) -> Result<(), AttemptError> {
    let Some(kept_for) = tools.retention.archived else {
        return Ok(());
    };
    let now = tools.clock.now();
    let before = now.minus(kept_for);
    let traces = |staged: &str| tools.places.traces_of(staged);
    while ledger::purge_archived(&tools.db, before, CHUNK, now, traces).await? > 0 {}
    Ok(())
}
