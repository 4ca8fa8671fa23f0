//! Checks the ledger for consistency: the cheap part of an audit, run periodically.
//!
//! - *does*: enqueues every pending version that has no job, and logs users whose quota counters
//!   have drifted. Drift is never repaired automatically, since its cause has to be found.
//! - *safe to repeat because* a version that has a job does not get a second one.
//! - *if it dies here*, the next run starts over.
//! - *on failure* of the database, the same.

use tracing::{error, warn};

use crate::attempt_error::AttemptError;
use crate::audit::{enqueue_lost, report_quota_drift};
use crate::tools::Tools;

/// Runs the job.
pub async fn check_ledger(tools: &Tools) -> Result<(), AttemptError> {
    loop {
        let lost = enqueue_lost(&tools.db, tools.clock.now()).await?;
        if lost.is_empty() {
            break;
        }
        warn!(
            versions = lost.len(),
            "enqueued pending versions that had no job"
        );
    }
    report_quota_drift(&tools.db, &mut |user, drift| {
        error!(user.id = %user, drift, "quota counters drifted; `dossier audit --repair` recounts them");
    })
    .await?;
    Ok(())
}
