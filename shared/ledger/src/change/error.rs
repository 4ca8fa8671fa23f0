//! Reasons why a change of a document was refused.

use crate::DbError;
use crate::retry_on_conflict::MayConflict;
use domain::{IllegalTransition, InvalidMetadata};

/// A refused change; nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// There is no such document or version, or another user owns it.
    #[error("there is no such document")]
    NotFound,
    /// The document was changed after the caller read it.
    #[error("the document has another revision")]
    RevisionMismatch,
    /// The status doesn't allow it.
    #[error(transparent)]
    IllegalTransition(#[from] IllegalTransition),
    /// It has no active version, or is archived.
    #[error("the document is not active")]
    NotActive,
    /// The latest version hasn't failed, or its bytes are gone.
    #[error("there is nothing to retry")]
    NotRetryable,
    /// It is the current version.
    #[error("the current version can't be deleted")]
    CurrentVersion,
    /// Another document has the unique name.
    #[error("another document has that unique name")]
    UniqueNameTaken,
    /// A public document needs a unique name.
    #[error("a public document needs a unique name")]
    PublicWithoutName,
    /// The metadata would exceed its limits.
    #[error("the metadata {0}")]
    Metadata(#[from] InvalidMetadata),
    /// The document has the maximum number of versions.
    #[error("the document has {0} versions, which is the limit")]
    TooManyVersions(u32),
    /// The owner's quota is used up.
    #[error("the quota is used up")]
    QuotaExceeded,
    /// The staged bytes were discarded as orphaned: the upload took too long.
    #[error("the staged bytes are to be removed")]
    BytesDiscarded,
    /// The database failed.
    #[error(transparent)]
    Database(#[from] DbError),
}

impl From<sea_orm::DbErr> for ChangeError {
    fn from(error: sea_orm::DbErr) -> Self {
        Self::Database(error.into())
    }
}

impl MayConflict for ChangeError {
    fn database_error(&self) -> Option<&DbError> {
        match self {
            Self::Database(error) => Some(error),
            _ => None,
        }
    }
}
