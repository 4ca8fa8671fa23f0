//! Holds the ledger against itself: the cheap part of an audit, done again and again.
//!
//! - *does*: enqueues anew every pending version that no job is about, and says in the log which
//!   users are charged for other things than they keep. The latter is never mended by
//!   itself: whatever made it has to be found.
//! - *safe to repeat because* a version that has a job gets no second one.
//! - *if it dies here*, the next one begins anew.
//! - *on failure* of the database the same.

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
            "pending versions had no job; each has one now"
        );
    }
    report_quota_drift(&tools.db, &mut |user, drift| {
        error!(user.id = %user, drift, "a quota drifted; `dossier audit --repair` counts it anew");
    })
    .await?;
    Ok(())
}
