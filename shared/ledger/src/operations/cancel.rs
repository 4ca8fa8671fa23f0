//! Cancels operations: their next chunks skip the remaining items.

use crate::tables::operations;
use crate::{Commit, DbError};
use domain::{Finished, Operation, OperationId, UserId};

/// Why an operation was not cancelled.
#[derive(Debug, thiserror::Error)]
pub enum CancelError {
    /// There is no such operation, or another user owns it.
    #[error("there is no such operation")]
    NotFound,
    /// It has ended.
    #[error(transparent)]
    Finished(#[from] Finished),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] DbError),
}

/// Requests that an operation of `owner` is cancelled. Returns the operation as it is now.
pub async fn cancel_operation(
    on: &impl Commit<Operation>,
    id: OperationId,
    owner: UserId,
) -> Result<Operation, CancelError> {
    let transaction = on.database().begin().await?;
    let locked = operations::lock_operation_of(&transaction, id, owner).await?;
    let operation = locked.ok_or(CancelError::NotFound)?.operation;
    operation.may_be_cancelled()?;
    operations::request_cancel(&transaction, id).await?;
    on.commit(transaction, &operation).await?;
    Ok(operation)
}
