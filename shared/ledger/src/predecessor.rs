//! What a process that is known to be dead still holds. Called at the start of a process that has
//! the ledger to itself; processes that share one can't know, and wait for leases to end.

use super::batch::execute;
use super::{Database, DbError};
use domain::Timestamp;

/// Ends whatever former processes hold: the leases of running jobs, of which each attempt stays
/// counted, requests with an idempotency key, and signs of life.
pub async fn release_predecessor(db: &Database, now: Timestamp) -> Result<(), DbError> {
    let transaction = db.begin().await?;
    let jobs = "UPDATE jobs SET run_at = $1 WHERE state = 'running' AND run_at > $1";
    execute(&transaction, jobs, [now.as_micros().into()]).await?;
    for sql in [
        // What is found running has changed nothing: an equal request begins at once.
        "UPDATE idempotency SET begun_at = 0 WHERE state = 'running'",
        "UPDATE idempotency SET open_until = NULL WHERE open_until IS NOT NULL",
        "DELETE FROM workers",
    ] {
        execute(&transaction, sql, []).await?;
    }
    transaction.commit().await?;
    Ok(())
}
