//! Why a change of a document was not made.

use crate::DbError;
use crate::retry_on_conflict::MayConflict;
use domain::{IllegalTransition, InvalidMetadata};

/// A change that was not made; nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// There is no such document or version, or it belongs to somebody else.
    #[error("there is no such document")]
    NotFound,
    /// The document has changed since the caller looked.
    #[error("the document has another revision")]
    RevisionMismatch,
    /// Its status doesn't allow it.
    #[error(transparent)]
    IllegalTransition(#[from] IllegalTransition),
    /// It has no active version, or is archived.
    #[error("the document is not active")]
    NotActive,
    /// Its latest version has not failed, or its bytes are gone.
    #[error("there is nothing to retry")]
    NotRetryable,
    /// Readers get that version.
    #[error("the current version can't be deleted")]
    CurrentVersion,
    /// Another document has the unique name.
    #[error("another document has that unique name")]
    UniqueNameTaken,
    /// A public document needs a unique name.
    #[error("a public document needs a unique name")]
    PublicWithoutName,
    /// The metadata would pass its bounds.
    #[error("the metadata {0}")]
    Metadata(#[from] InvalidMetadata),
    /// The document has as many versions as it may have.
    #[error("the document has {0} versions, which is the limit")]
    TooManyVersions(u32),
    /// It doesn't fit into the owner's quota.
    #[error("the quota is used up")]
    QuotaExceeded,
    /// The staged bytes were taken for left behind: they took too long.
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
