//! Why an upload is refused.

use crate::retry_on_conflict::MayConflict;
use crate::{ChangeError, DbError, IntakeRefusal};

/// A refused step of an upload.
#[derive(Debug, thiserror::Error)]
pub enum UploadError {
    /// There is no such upload, or another user owns it.
    #[error("there is no such upload")]
    NotFound,
    /// Its ticket lets no upload begin any more.
    #[error("the ticket lets no upload begin")]
    TicketOver,
    /// It isn't open: it is complete, or its time is over.
    #[error("the upload is not open")]
    NotOpen,
    /// Another request has taken it over.
    #[error("another request has taken over the upload")]
    Superseded,
    /// The owner has as many open uploads as allowed.
    #[error("the user has {0} open uploads, which is the limit")]
    TooMany(u32),
    /// As many uploads of its ticket are open as allowed.
    #[error("{0} uploads of the ticket are open, which is the limit")]
    TooManyOfTicket(u32),
    /// The owner's quota is used up.
    #[error("the quota is used up")]
    QuotaExceeded,
    /// The owner has been deleted.
    #[error("the owner is gone")]
    OwnerGone,
    /// Another length was declared before, or more bytes came.
    #[error("the upload has another length")]
    OtherLength,
    /// A part to be joined isn't a complete part, or another upload has taken it.
    #[error("a part is not complete, or taken")]
    PartNotReady,
    /// The transaction of the intake refused the document.
    #[error("the document was refused")]
    Refused(#[source] IntakeRefusal),
    /// The version was refused.
    #[error("the version was refused")]
    Version(#[source] ChangeError),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] DbError),
}

impl UploadError {
    /// Whether the upload can never become what it should.
    #[must_use]
    pub const fn is_final(&self) -> bool {
        match self {
            Self::Version(ChangeError::Database(_)) => false,
            Self::Refused(_) | Self::Version(_) => true,
            _ => false,
        }
    }
}

impl MayConflict for UploadError {
    fn database_error(&self) -> Option<&DbError> {
        match self {
            Self::Database(error) | Self::Version(ChangeError::Database(error)) => Some(error),
            _ => None,
        }
    }
}
