//! Fails operations whose job is given up, in the transaction that gives it up, and marks their
//! remaining items as interrupted. They continue where they were if an operator retries the job.

use super::archives::{reserved_counter, reset_exported};
use super::tell::event_of;
use crate::DatabaseTransaction;
use crate::DbError;
use crate::readable::unreadable;
use crate::tables::events::NewEvent;
use crate::tables::operation_items::{self, Settleable};
use crate::tables::operations;
use crate::tables::users::Charges;
use domain::{
    Action, EventKind, ItemCode, ItemReason, JobId, OperationErrorCode, OperationId, Timestamp,
    UserId,
};

/// The detail of an item whose document an import has created, and that was not settled yet.
const UNSETTLED: &str =
    "The import could not go on before the document was settled; the document tells its end.";

/// What follows from operations that were failed. The caller writes both once it has locked all
/// rows.
#[derive(Debug, Default)]
pub struct FailedOperations {
    /// What they had reserved, as charges to give back.
    pub reserved: Charges,
    /// Their events.
    pub events: Vec<NewEvent>,
}

/// Fails the operations of jobs that are about to be given up.
pub async fn fail_operations_of_dead_jobs(
    transaction: &DatabaseTransaction,
    jobs: &[JobId],
    now: Timestamp,
) -> Result<FailedOperations, DbError> {
    let mut failed = FailedOperations::default();
    if jobs.is_empty() {
        return Ok(failed);
    }
    for row in operations::lock_of_jobs(transaction, jobs).await? {
        let id = OperationId(row.id);
        let Ok(action) = row.action.parse::<Action>() else {
            unreadable(&DbError::corrupt("operations", "action", id));
            continue;
        };
        if action == Action::Export && !row.dry_run {
            reset_exported(transaction, id).await?;
        }
        mark_remaining_interrupted(transaction, id, action).await?;
        operations::fail(transaction, id, OperationErrorCode::Internal, now).await?;
        if row.held_bytes != 0 {
            operations::set_held_bytes(transaction, id, 0).await?;
        }
        let owner = UserId(row.owner_id);
        *reserved_counter(&mut failed.reserved, owner, action) -= row.held_bytes;
        let event = event_of((owner, id), EventKind::OperationFailed, now);
        failed.events.push(event);
    }
    Ok(failed)
}

/// Marks the pending items of an operation that can't continue. Those of an import whose versions
/// are settled get their outcome first.
pub(super) async fn mark_remaining_interrupted(
    transaction: &DatabaseTransaction,
    id: OperationId,
    action: Action,
) -> Result<(), DbError> {
    if action == Action::Import {
        let settled = operation_items::settle(transaction, id, Settleable::All).await?;
        operations::count_items(transaction, id, settled).await?;
    }
    let unsettled = ItemReason::new(ItemCode::Interrupted, UNSETTLED);
    let skipped = ItemCode::Interrupted.into();
    let told = operation_items::interrupt_pending(transaction, id, &unsettled, &skipped).await?;
    operations::count_items(transaction, id, told).await
}
