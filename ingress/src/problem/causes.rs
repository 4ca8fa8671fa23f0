//! Maps errors of the ledger and of storage to problems; those of uploads have a file of their own.

use ledger::{
    CancelError, ChangeError, CreateOperationError, DbError, LimitReached, OpenError,
    RemoveResultError, UndoError, UploadError,
};
use storage::StorageError;

use super::{Code, Problem};

impl From<DbError> for Problem {
    fn from(error: DbError) -> Self {
        let code = match error {
            _ if error.is_out_of_room() => Code::StorageFull,
            DbError::TimeLimit | DbError::Busy => Code::Overloaded,
            DbError::Corrupt { .. } => {
                let detail = "The stored record can't be read; the operator of the service has to repair it.";
                return Self::internal(error).with_detail(detail);
            }
            _ if error.will_pass() => Code::Unavailable,
            DbError::TakenOver => Code::IdempotencyInProgress,
            _ => Code::Internal,
        };
        Self::from(code).because(error)
    }
}

impl From<StorageError> for Problem {
    fn from(error: StorageError) -> Self {
        let code = match error {
            StorageError::Superseded { .. } => return UploadError::Superseded.into(),
            // A place that isn't configured any more may be so again.
            StorageError::Unavailable { .. } | StorageError::UnknownPlace { .. } => {
                Code::Unavailable
            }
            StorageError::Full => Code::StorageFull,
            StorageError::Busy => Code::Overloaded,
            StorageError::SlowSource => Code::RequestTimeout,
            StorageError::NotSupported { .. } => Code::NotSupported,
            StorageError::NotFound { .. }
            | StorageError::Overlap { .. }
            | StorageError::NotOurs { .. }
            | StorageError::DigestMismatch { .. } => Code::Internal,
        };
        Self::from(code).because(error)
    }
}

impl From<ChangeError> for Problem {
    fn from(error: ChangeError) -> Self {
        let code = match error {
            ChangeError::Database(error) => return error.into(),
            ChangeError::PublicWithoutName => {
                return Self::invalid_field("/is_public", "needs a unique_name");
            }
            ChangeError::Metadata(error) => return Self::invalid_field("/metadata", error),
            ChangeError::IllegalTransition(refused) => {
                let detail = format!(
                    "A document that is {} can't {}.",
                    refused.from, refused.verb
                );
                return Self::from(Code::IllegalTransition).with_detail(detail);
            }
            ChangeError::TooManyVersions(most) => {
                let detail = format!(
                    "The document has {most} versions, which is the limit; delete some of them first."
                );
                return Self::from(Code::QuotaExceeded).with_detail(detail);
            }
            ChangeError::NotFound => Code::NotFound,
            ChangeError::RevisionMismatch => Code::RevisionMismatch,
            ChangeError::NotActive => Code::NotActive,
            ChangeError::NotRetryable => Code::NotRetryable,
            ChangeError::CurrentVersion => Code::CurrentVersion,
            ChangeError::UniqueNameTaken => Code::UniqueNameTaken,
            ChangeError::QuotaExceeded => Code::QuotaExceeded,
            ChangeError::BytesDiscarded => Code::RequestTimeout,
        };
        Self::from(code).because(error)
    }
}

impl From<CreateOperationError> for Problem {
    fn from(error: CreateOperationError) -> Self {
        match error {
            CreateOperationError::TooMany => Self::invalid_field(
                "/select/filter",
                "matches more than 100,000 documents, the limit of one operation",
            ),
            CreateOperationError::Database(DbError::TimeLimit) => {
                Self::too_costly("/select/filter")
            }
            CreateOperationError::OwnerGone => Code::Unauthorized.into(),
            CreateOperationError::LimitReached(error) => error.into(),
            CreateOperationError::Database(error) => error.into(),
        }
    }
}

impl From<LimitReached> for Problem {
    fn from(error: LimitReached) -> Self {
        Self::from(Code::RateLimited).with_detail(match error {
            LimitReached::TooManyOpen => {
                "Too many of your operations are unfinished; wait until some have ended."
            }
            LimitReached::TooManyKept => {
                "Too many of your operations, or their items, are kept and can't be removed yet; try again later."
            }
        })
    }
}

impl From<OpenError> for Problem {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::LimitReached(error) => error.into(),
            OpenError::Database(error) => error.into(),
        }
    }
}

impl From<RemoveResultError> for Problem {
    fn from(error: RemoveResultError) -> Self {
        match error {
            RemoveResultError::NotFound => Code::NotFound.into(),
            RemoveResultError::NotReady => Code::NotReady.into(),
            RemoveResultError::Database(error) => error.into(),
        }
    }
}

impl From<CancelError> for Problem {
    fn from(error: CancelError) -> Self {
        match error {
            CancelError::NotFound => Code::NotFound.into(),
            CancelError::Finished(_) => Code::Finished.into(),
            CancelError::Database(error) => error.into(),
        }
    }
}

impl From<UndoError> for Problem {
    fn from(error: UndoError) -> Self {
        match error {
            UndoError::NotFound => Code::NotFound.into(),
            UndoError::NotUndoable(_) => Code::NotUndoable.into(),
            UndoError::LimitReached(error) => error.into(),
            UndoError::Database(error) => error.into(),
        }
    }
}
