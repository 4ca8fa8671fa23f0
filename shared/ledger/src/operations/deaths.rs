//! Operations whose job is given up end in `error`, in the transaction that gives it up, and
//! every item says so. They go on where they were if an operator has the job tried again.

use super::archives::{forget_written, held_of};
use crate::DatabaseTransaction;
use crate::DbError;
use crate::readable::unreadable;
use crate::tables::operation_items::{self, Settleable};
use crate::tables::operations;
use crate::tables::users::Charges;
use domain::{
    Action, ItemCode, ItemReason, JobId, OperationErrorCode, OperationId, Timestamp, UserId,
};

/// What is said of a document that an import has made, and that was not settled when it ended.
const UNSETTLED: &str =
    "The import could not go on before the document was settled; the document tells its end.";

/// Ends the operations of jobs that are given up, before those jobs are. Gives what they had
/// reserved back as charges, which the caller writes.
pub async fn end_with_dead_jobs(
    transaction: &DatabaseTransaction,
    jobs: &[JobId],
    now: Timestamp,
) -> Result<Charges, DbError> {
    let mut reserved = Charges::default();
    if jobs.is_empty() {
        return Ok(reserved);
    }
    for row in operations::lock_of_jobs(transaction, jobs).await? {
        let id = OperationId(row.id);
        let Ok(action) = row.action.parse::<Action>() else {
            unreadable(&DbError::corrupt("operations", "action", id));
            continue;
        };
        if action == Action::Export && !row.dry_run {
            forget_written(transaction, id).await?;
        }
        tell_the_rest(transaction, id, action).await?;
        operations::fail(transaction, id, OperationErrorCode::Internal, now).await?;
        if row.held_bytes != 0 {
            operations::set_held_bytes(transaction, id, 0).await?;
        }
        *held_of(&mut reserved, UserId(row.owner_id), action) -= row.held_bytes;
    }
    Ok(reserved)
}

/// Says of each item that is pending that the operation could not go on.
pub(super) async fn tell_the_rest(
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
