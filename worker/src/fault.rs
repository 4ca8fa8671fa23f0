//! How an attempt fails, and which failure of storage or ledger means which. Steps and
//! jobs return it; what becomes of the job is said by the verdict.

use domain::{ErrorCode, Refusal};
use ledger::ownership::OwnershipError;
use ledger::{DbError, GroupCommitError};
use storage::StorageError;

use crate::remover::RemoveError;

/// The cause of a failed attempt, for operators.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

/// An attempt that failed.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// Another attempt may pass.
    #[error("the attempt failed")]
    Retry {
        /// What the document ends with if this was the last attempt.
        code: ErrorCode,
        /// The cause, for operators.
        #[source]
        cause: Cause,
    },
    /// No attempt will pass.
    #[error("rejected: {0}")]
    Reject(ErrorCode),
    /// Somebody else holds the claim: nothing that was done here counts.
    #[error("the lease was lost")]
    LeaseLost,
}

impl Fault {
    /// A failure inside of the service.
    pub fn internal(cause: impl Into<Cause>) -> Self {
        Self::Retry {
            code: ErrorCode::Internal,
            cause: cause.into(),
        }
    }
}

impl From<StorageError> for Fault {
    fn from(error: StorageError) -> Self {
        let code = match error {
            StorageError::DigestMismatch { .. } => return Self::Reject(ErrorCode::DigestMismatch),
            // Not a rejection: it may have been moved by an attempt that lost its lease meanwhile.
            StorageError::NotFound { .. } => ErrorCode::UploadIncomplete,
            StorageError::Full
            | StorageError::Busy
            | StorageError::SlowSource
            | StorageError::Unavailable { .. } => ErrorCode::StorageUnavailable,
            StorageError::UnknownPlace { .. }
            | StorageError::Overlap { .. }
            | StorageError::NotOurs { .. } => ErrorCode::Internal,
        };
        Self::Retry {
            code,
            cause: error.into(),
        }
    }
}

impl From<DbError> for Fault {
    fn from(error: DbError) -> Self {
        Self::internal(error)
    }
}

impl From<OwnershipError> for Fault {
    fn from(error: OwnershipError) -> Self {
        match error {
            OwnershipError::Ledger(error) => error.into(),
            OwnershipError::Storage(error) => error.into(),
            refusal => Self::internal(refusal),
        }
    }
}

impl From<RemoveError> for Fault {
    fn from(error: RemoveError) -> Self {
        match error {
            RemoveError::Ownership(error) => error.into(),
            RemoveError::Ledger(error) => error.into(),
        }
    }
}

impl From<GroupCommitError> for Fault {
    fn from(error: GroupCommitError) -> Self {
        Self::internal(error)
    }
}

impl From<Refusal> for Fault {
    fn from(Refusal(code): Refusal) -> Self {
        Self::Reject(code)
    }
}
