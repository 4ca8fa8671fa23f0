//! Stopping an operation: the next chunk skips what was not begun.

use crate::tables::operations;
use crate::{Commit, DbError};
use domain::{Finished, Operation, OperationId, UserId};

/// An operation that was not stopped.
#[derive(Debug, thiserror::Error)]
pub enum CancelError {
    /// There is no such operation, or it belongs to somebody else.
    #[error("there is no such operation")]
    NotFound,
    /// It is over.
    #[error(transparent)]
    Finished(#[from] Finished),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] DbError),
}

/// Asks that an operation of `owner` is stopped. Gives the operation as it is until it is.
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
