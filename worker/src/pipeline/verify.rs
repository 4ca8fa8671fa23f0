//! The step that makes sure of the staged bytes.
//!
//! - *does*: asks storage where the staged bytes are and how many. They were hashed on the way
//!   in and are not read again.
//! - *safe to repeat because* it only asks.
//! - *if it dies here*, nothing has happened.
//! - *on failure*: bytes that are gone or short reject the version as `upload_incomplete`; a
//!   storage that doesn't answer is tried again, and in the end `storage_unavailable`.

use domain::ErrorCode;
use ledger::{PendingUpload, PendingWork};
use storage::StorageRouter;
use url::Url;

use crate::attempt_error::AttemptError;

/// A version whose bytes are there.
#[derive(Debug)]
pub struct Present<'a> {
    /// The version.
    pub pending: &'a PendingWork,
    /// What its row says of the upload.
    pub upload: &'a PendingUpload,
    /// Where its bytes are: in staging, or where a former attempt took them.
    pub location: Url,
}

/// Finds the bytes of `pending`.
pub async fn verify<'a>(
    pending: &'a PendingWork,
    upload: &'a PendingUpload,
    places: &StorageRouter,
) -> Result<Present<'a>, AttemptError> {
    match places.locate(&upload.staged).await? {
        Some((location, stat)) if stat.size == pending.size => Ok(Present {
            pending,
            upload,
            location,
        }),
        _ => Err(AttemptError::Reject(ErrorCode::UploadIncomplete)),
    }
}
