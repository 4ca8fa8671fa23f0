//! Stopping an operation: the next chunk skips what was not begun.

use super::rows;
use crate::batch::{execute, query};
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
    let sql = format!(
        "SELECT {} FROM operations WHERE id = $1 AND owner_id = $2 AND expired_at IS NULL{}",
        rows::OPERATION,
        transaction.dialect().lock_rows("operations"),
    );
    let found = query(&transaction, sql, [id.0.into(), owner.0.into()]).await?;
    let operation = rows::operation(found.first().ok_or(CancelError::NotFound)?)?;
    operation.may_be_cancelled()?;
    let asked = "UPDATE operations SET cancel_requested = true WHERE id = $1";
    execute(&transaction, asked, [id.0.into()]).await?;
    on.commit(transaction, &operation).await?;
    Ok(operation)
}
