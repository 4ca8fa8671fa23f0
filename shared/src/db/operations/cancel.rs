//! Stopping an operation: the next chunk skips what was not begun.

use super::rows;
use crate::db::batch::query;
use crate::db::{Database, DbError};
use crate::domain::{Finished, Operation, OperationId, UserId};

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
    db: &Database,
    id: OperationId,
    owner: UserId,
) -> Result<Operation, CancelError> {
    let asked = format!(
        "UPDATE operations SET cancel_requested = true WHERE id = $1 AND owner_id = $2 \
         AND status IN ('pending', 'running') RETURNING {}",
        rows::OPERATION
    );
    let values = || [id.0.into(), owner.0.into()];
    if let Some(row) = query(db.writer(), asked, values()).await?.first() {
        return Ok(rows::operation(row)?);
    }
    let ended = format!(
        "SELECT {} FROM operations WHERE id = $1 AND owner_id = $2",
        rows::OPERATION
    );
    match query(db.writer(), ended, values()).await?.first() {
        Some(row) => {
            let operation = rows::operation(row)?;
            operation.may_be_cancelled()?;
            Ok(operation)
        }
        None => Err(CancelError::NotFound),
    }
}
