//! Resumes an operation that has failed, when its job is retried.

use crate::tables::{operation_items, operations};
use crate::{DatabaseTransaction, DbError};
use domain::OperationId;

/// Lets a failed operation continue: the items that were interrupted are pending again.
pub(super) async fn resume(
    transaction: &DatabaseTransaction,
    id: OperationId,
) -> Result<(), DbError> {
    let reopened = operation_items::reset_interrupted(transaction, id).await?;
    operations::resume(transaction, id, reopened).await
}
