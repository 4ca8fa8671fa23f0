//! The step that locates the staged bytes.
//!
//! - *does*: asks storage for the location and size of the staged bytes. They were hashed during
//!   the upload and are not read again. An inline body is in memory: its size and digest are checked.
//! - *safe to repeat because* it only reads.
//! - *if it dies here*, nothing has changed.
//! - *on failure*: missing or truncated bytes are looked for again, and finally fail as
//!   `upload_incomplete`: storage may answer wrongly once. Unavailable storage is retried, and finally
//!   fails as `storage_unavailable`. In both cases the bytes are kept for a retry.

use domain::{ByteSize, ErrorCode, Sha256};
use ledger::{PendingUpload, PendingWork};
use storage::{StorageError, StorageRouter};
use url::Url;

use crate::attempt_error::AttemptError;

/// A version whose bytes exist.
#[derive(Debug)]
pub struct Present<'a> {
    /// The version.
    pub pending: &'a PendingWork,
    /// The upload as recorded in its row.
    pub upload: &'a PendingUpload,
    /// The location of its bytes: in staging, or where an earlier attempt moved them.
    /// With an inline body there is no object at this URL.
    pub location: Url,
}

/// Finds the bytes of `pending`.
pub async fn verify<'a>(
    pending: &'a PendingWork,
    upload: &'a PendingUpload,
    places: &StorageRouter,
) -> Result<Present<'a>, AttemptError> {
    if let Some(body) = &upload.body {
        if body.len() as u64 != pending.size.bytes() {
            return Err(AttemptError::Reject(ErrorCode::UploadIncomplete));
        }
        if Sha256::of(body) != upload.sha256 {
            return Err(AttemptError::Reject(ErrorCode::DigestMismatch));
        }
        return Ok(Present {
            pending,
            upload,
            location: upload.staged.clone(),
        });
    }
    match places.locate(&upload.staged).await? {
        Some((location, stat)) if stat.size == pending.size => Ok(Present {
            pending,
            upload,
            location,
        }),
        Some((location, stat)) => Err(incomplete(&location, stat.size, pending.size)),
        None => Err(missing(&upload.staged)),
    }
}

/// The error of bytes that aren't there. An object store may say so of an object that it has: an
/// accepted upload is given up only after several looks.
pub fn missing(url: &Url) -> AttemptError {
    StorageError::NotFound { url: url.clone() }.into()
}

fn incomplete(url: &Url, found: ByteSize, expected: ByteSize) -> AttemptError {
    let cause = format!(
        "{url} has {} bytes instead of {}",
        found.bytes(),
        expected.bytes()
    );
    AttemptError::Retry {
        code: ErrorCode::UploadIncomplete,
        cause: cause.into(),
    }
}
