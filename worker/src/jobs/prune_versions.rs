//! Deletes old versions beyond the number that the operator keeps.
//!
//! - *does*: scans documents with more than one version in batches, and deletes versions older than
//!   the newest active ones, as their owners could. Never the current version, never a pending one.
//! - *safe to repeat because* deleted rows are not found again.
//! - *if it dies here*, the next run does the rest; discarded bytes are removed by their own job.
//! - *on failure* of the database, the same.

use domain::DocumentId;
use ledger::PruneRequest;
use uuid::Uuid;

use super::batch_size::BATCH_SIZE;
use crate::attempt_error::AttemptError;
use crate::tools::Tools;

/// Runs the job.
pub async fn prune_versions(tools: &Tools) -> Result<(), AttemptError> {
    let Some(keep) = tools.retention.versions else {
        return Ok(());
    };
    let mut from = Some(DocumentId(Uuid::nil()));
    while let Some(document) = from {
        let request = PruneRequest {
            keep,
            from: document,
            limit: BATCH_SIZE,
        };
        let traces = |staged: &str| tools.places.traces_of(staged);
        from = ledger::prune_versions(&tools.db, request, tools.clock.now(), traces)
            .await?
            .next;
    }
    Ok(())
}
