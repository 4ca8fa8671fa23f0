//! Locks the operation that a job works on, and the job's claim where it is asked for.

use super::resume::resume;
use crate::batch::query;
use crate::tables::operations::{self, Locked};
use crate::{DatabaseTransaction, DbError, JobRef};
use domain::{Action, OperationId, OperationStatus};

/// What a job finds that locks its operation.
pub(super) enum JobLock {
    /// The operation goes on.
    Locked(Box<Locked>),
    /// There is nothing left to do.
    Finished,
    /// Another worker holds the claim.
    LeaseLost,
}

/// Locks an unfinished operation, then the job that works on it.
pub(super) async fn lock_for_job(
    transaction: &DatabaseTransaction,
    (id, action): (OperationId, Action),
    job: JobRef,
) -> Result<JobLock, DbError> {
    let locked = lock_unfinished(transaction, id, |its| its == action).await?;
    if !lock_claim(transaction, job).await? {
        return Ok(JobLock::LeaseLost);
    }
    Ok(locked.map_or(JobLock::Finished, |locked| {
        JobLock::Locked(Box::new(locked))
    }))
}

/// Locks an operation; `None` if it has finished, or its action is not `wanted`. One that has
/// failed is resumed, because an operator had its job retried, unless it was undone since.
pub(super) async fn lock_unfinished(
    transaction: &DatabaseTransaction,
    id: OperationId,
    wanted: impl Fn(Action) -> bool,
) -> Result<Option<Locked>, DbError> {
    let Some(locked) = operations::lock_operation(transaction, id).await? else {
        return Ok(None);
    };
    if !wanted(locked.operation.action) {
        return Ok(None);
    }
    match locked.operation.state.status() {
        OperationStatus::Pending | OperationStatus::Running => {}
        OperationStatus::Completed | OperationStatus::Cancelled => return Ok(None),
        OperationStatus::Error => {
            if operations::is_undone(transaction, id).await? {
                return Ok(None);
            }
            resume(transaction, id).await?;
        }
    }
    Ok(Some(locked))
}

/// Locks the row of a job; `false` if its claim is lost.
async fn lock_claim(transaction: &DatabaseTransaction, job: JobRef) -> Result<bool, DbError> {
    let sql = format!(
        "SELECT jobs.id FROM jobs WHERE id = $1 AND fence = $2 AND state = 'running'{}",
        transaction.dialect().lock_rows("jobs"),
    );
    let held = query(transaction, sql, [job.id.0.into(), job.fence.into()]).await?;
    Ok(!held.is_empty())
}
