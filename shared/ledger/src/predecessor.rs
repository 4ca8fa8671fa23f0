//! Releases what a dead process still holds. Called at the start of a process that has the ledger
//! to itself; processes that share one can't know, and wait for leases to expire.

use super::tables::{idempotency, jobs, workers};
use super::{Database, DbError};
use domain::Timestamp;

/// Releases what former processes hold: leases of running jobs, whose attempts stay counted,
/// requests with an idempotency key, and heartbeats.
pub async fn release_predecessor(db: &Database, now: Timestamp) -> Result<(), DbError> {
    let transaction = db.begin().await?;
    jobs::end_leases(&transaction, now).await?;
    // A request that is running has changed nothing: an equal one begins at once.
    idempotency::release_all(&transaction).await?;
    workers::delete_all(&transaction).await?;
    transaction.commit().await?;
    Ok(())
}
