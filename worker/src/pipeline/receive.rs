//! The step that takes in what a client has written straight into the storage.
//!
//! - *does*: copies it, on the service's side, to a key that the client doesn't know; reads the copy
//!   once, counts and hashes it; records the copy and its digest with the version; and removes the
//!   original. What the client writes there later is discarded once it can write no more.
//! - *safe to repeat because* each attempt copies to a key of its own, and the record is written once,
//!   as long as the claim holds. Afterwards the version is like any other.
//! - *if it dies here*, the original is still there, and a copy without a row is found as a stray of
//!   its age.
//! - *on failure*: another size than declared, or another digest, rejects the version as
//!   `digest_mismatch`, missing bytes as `upload_incomplete`; unavailable storage is retried.

use domain::ErrorCode;
use ledger::{DirectBytes, JobRef, PendingUpload, PendingWork, load_pending, record_direct_bytes};
use queue::JobKind;
use tracing::debug;
use url::Url;

use crate::attempt_error::AttemptError;
use crate::tools::Tools;

/// Reads the bytes of `pending`, and returns the version as it is then.
pub async fn receive(
    pending: &PendingWork,
    upload: &PendingUpload,
    job: JobRef,
    tools: &Tools,
) -> Result<PendingWork, AttemptError> {
    let places = &tools.places;
    let found = places.stat(&upload.staged).await?;
    let found = found.ok_or(AttemptError::Reject(ErrorCode::UploadIncomplete))?;
    if found.size != pending.size {
        return Err(AttemptError::Reject(ErrorCode::DigestMismatch));
    }
    let now = tools.clock.now();
    let copy = places.detach(&upload.staged, now).await?;
    let read = places.digest(&copy).await;
    let is_declared = |sha256| !upload.sha256.is_known() || sha256 == upload.sha256;
    let sha256 = match read {
        Ok((size, sha256)) if size == pending.size && is_declared(sha256) => sha256,
        Ok(_) => {
            tools.remover.remove(vec![copy]);
            return Err(AttemptError::Reject(ErrorCode::DigestMismatch));
        }
        Err(error) => {
            tools.remover.remove(vec![copy]);
            return Err(error.into());
        }
    };
    let bytes = DirectBytes {
        job,
        version: pending.version,
        written: &upload.staged,
        written_until: tools.clock.now().plus(tools.limits.uploads.expires),
        copy: &copy,
        sha256,
    };
    if !record_direct_bytes(&tools.db, &bytes).await? {
        tools.remover.remove(vec![copy]);
        return Err(AttemptError::LeaseLost);
    }
    remove_original(tools, &upload.staged).await;
    let loaded = load_pending(&tools.db, &[pending.version], &tools.limits).await?;
    // Deleted meanwhile: the outcome finds that as well.
    Ok(loaded.into_iter().next().unwrap_or_else(|| PendingWork {
        upload: Some(PendingUpload {
            sha256,
            is_direct: false,
            staged: copy,
            ..upload.clone()
        }),
        ..pending.clone()
    }))
}

/// Removes what the client has written; it stays listed, for what it may still write.
async fn remove_original(tools: &Tools, written: &Url) {
    let is_allowed = tools.removal_guard.allows(JobKind::RemoveDiscarded).await;
    if !is_allowed.unwrap_or(false) {
        return;
    }
    if let Err(error) = tools.places.delete(written).await {
        let error = &error as &dyn std::error::Error;
        debug!(
            error,
            "failed to remove the original of a copy; a later job will"
        );
    }
}
