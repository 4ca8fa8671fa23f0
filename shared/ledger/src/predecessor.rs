//! Releases what a dead process had claimed. Called at the start of a process with exclusive use of
//! the ledger; processes that share one can't know, and wait for leases to expire.

use super::tables::{idempotency, jobs, workers};
use super::{Database, DbError};
use domain::Timestamp;

/// Releases the claims of former processes: leases of running jobs, whose attempts stay counted,
/// requests with an idempotency key, and heartbeats.
pub async fn release_predecessor(db: &Database, now: Timestamp) -> Result<(), DbError> {
    let transaction = db.begin().await?;
    jobs::end_leases(&transaction, now).await?;
    // A running request has changed nothing: an equal one starts immediately.
    idempotency::release_all(&transaction).await?;
    workers::delete_all(&transaction).await?;
    transaction.commit().await?;
    Ok(())
}
