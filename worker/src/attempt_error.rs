//! The error of an attempt, and how errors of storage and ledger map to it. Steps and jobs return
//! it; `retry_policy` decides what happens to the job.

use domain::{ErrorCode, Refusal};
use ledger::ownership::OwnershipError;
use ledger::{DbError, GroupCommitError};
use storage::StorageError;

use crate::remover::RemoveError;

/// The cause of a failed attempt, shown to operators.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

/// An attempt that failed.
#[derive(Debug, thiserror::Error)]
pub enum AttemptError {
    /// Another attempt may succeed.
    #[error("the attempt failed")]
    Retry {
        /// The document's error code if this was the last attempt.
        code: ErrorCode,
        /// The cause, shown to operators.
        #[source]
        cause: Cause,
    },
    /// No attempt can succeed.
    #[error("rejected: {0}")]
    Reject(ErrorCode),
    /// Another worker holds the claim; the result of this attempt is void.
    #[error("the lease was lost")]
    LeaseLost,
}

impl AttemptError {
    /// An internal error of the service.
    pub fn internal(cause: impl Into<Cause>) -> Self {
        Self::Retry {
            code: ErrorCode::Internal,
            cause: cause.into(),
        }
    }
}

impl From<StorageError> for AttemptError {
    fn from(error: StorageError) -> Self {
        let code = match error {
            StorageError::DigestMismatch { .. } => return Self::Reject(ErrorCode::DigestMismatch),
            // Not a rejection: an attempt that has since lost its lease may have moved it.
            StorageError::NotFound { .. } => ErrorCode::UploadIncomplete,
            StorageError::Full
            | StorageError::Busy
            | StorageError::SlowSource
            | StorageError::Unavailable { .. } => ErrorCode::StorageUnavailable,
            StorageError::UnknownPlace { .. }
            | StorageError::Overlap { .. }
            | StorageError::NotOurs { .. }
            | StorageError::Superseded { .. }
            | StorageError::NotSupported { .. } => ErrorCode::Internal,
        };
        Self::Retry {
            code,
            cause: error.into(),
        }
    }
}

impl From<DbError> for AttemptError {
    fn from(error: DbError) -> Self {
        Self::internal(error)
    }
}

impl From<OwnershipError> for AttemptError {
    fn from(error: OwnershipError) -> Self {
        match error {
            OwnershipError::Ledger(error) => error.into(),
            OwnershipError::Storage(error) => error.into(),
            refusal => Self::internal(refusal),
        }
    }
}

impl From<RemoveError> for AttemptError {
    fn from(error: RemoveError) -> Self {
        match error {
            RemoveError::Ownership(error) => error.into(),
            RemoveError::Ledger(error) => error.into(),
        }
    }
}

impl From<GroupCommitError> for AttemptError {
    fn from(error: GroupCommitError) -> Self {
        Self::internal(error)
    }
}

impl From<Refusal> for AttemptError {
    fn from(Refusal(code): Refusal) -> Self {
        Self::Reject(code)
    }
}
