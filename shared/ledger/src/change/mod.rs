//! Changes that an owner makes to documents. Those to one document are a transaction each,
//! which starts by locking it and ends, through a [`Commit`](super::Commit), with what it is
//! then; what bulk operations do to many
//! is the same statements and the same rules.

mod anew;
mod content;
mod delete;
mod edit;
mod hold;
mod retry;
mod versions;

pub use content::{NewContent, add_version};
pub use delete::delete_document;
pub use edit::{DocumentChanges, archive_document, edit_document, restore_document};
pub use hold::{Precondition, Target};
pub use retry::retry_document;
pub use versions::{delete_version, restore_version};

pub(super) use delete::delete_all;
pub(super) use edit::{Move, edited, holders, write_edits, write_moves};
pub(super) use hold::{Charge, Held, charge, hold_all, release};
pub(super) use retry::{retry_all, retryable};

use super::DbError;
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
