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
//!   `digest_mismatch`: its row refers to no bytes any more then, and those of the client are discarded
//!   likewise. Missing bytes are looked for again, and finally fail as `upload_incomplete`. Unavailable
//!   storage is retried.

use crash_points::{CrashPoint, reach_with as reach};
use domain::{ByteSize, ErrorCode, Sha256};
use ledger::{DirectBytes, JobRef, PendingUpload, PendingWork, load_pending, record_direct_bytes};
use storage::{StorageError, StorageRouter};
use tracing::debug;
use url::Url;

use super::verify::missing;
use crate::attempt_error::AttemptError;
use crate::tools::Tools;

/// A version whose bytes a client has written.
#[derive(Clone, Copy)]
pub struct Direct<'a> {
    /// The version.
    pub pending: &'a PendingWork,
    /// The upload as recorded in its row.
    pub upload: &'a PendingUpload,
    /// The claim.
    pub job: JobRef,
    /// What the step needs.
    pub tools: &'a Tools,
}

/// A version of which the ledger knows that it was read.
pub struct Received {
    /// The version as it is now.
    pub pending: PendingWork,
    /// Why it has no bytes.
    pub refusal: Option<ErrorCode>,
}

/// Reads the bytes of a version.
pub async fn receive(direct: Direct<'_>) -> Result<Received, AttemptError> {
    let Direct { upload, tools, .. } = direct;
    let (places, size) = (&tools.places, direct.pending.size);
    match places.stat(&upload.staged).await? {
        None => return Err(missing(&upload.staged)),
        Some(found) if found.size != size => {
            return refuse(direct, ErrorCode::DigestMismatch).await;
        }
        Some(_) => {}
    }
    let copy = places.detach(&upload.staged, tools.clock.now()).await?;
    reach(CrashPoint::DirectCopied, upload.name.as_str());
    let is_declared = |sha256| !upload.sha256.is_known() || sha256 == upload.sha256;
    match read(&copy, size, places).await {
        Ok(sha256) if is_declared(sha256) => Ok(Received {
            pending: record(direct, &copy, sha256).await?,
            refusal: None,
        }),
        Ok(_) | Err(StorageError::DigestMismatch { .. }) => {
            tools.remover.remove(vec![copy]);
            refuse(direct, ErrorCode::DigestMismatch).await
        }
        Err(error) => {
            tools.remover.remove(vec![copy]);
            Err(error.into())
        }
    }
}

/// Reads a copy, and returns its digest.
async fn read(copy: &Url, size: ByteSize, places: &StorageRouter) -> Result<Sha256, StorageError> {
    let other = || StorageError::DigestMismatch { url: copy.clone() };
    // The client may have written more just before it was copied: that isn't read.
    let found = places.stat(copy).await?;
    if found.is_some_and(|found| found.size != size) {
        return Err(other());
    }
    let (read, sha256) = places.digest(copy).await?;
    if read == size {
        Ok(sha256)
    } else {
        Err(other())
    }
}

/// Records that the version has no bytes: those of the client are discarded, also what it still writes.
async fn refuse(direct: Direct<'_>, refusal: ErrorCode) -> Result<Received, AttemptError> {
    let places = &direct.tools.places;
    let nowhere = places.fresh_url(places.staging().place(), direct.tools.clock.now());
    Ok(Received {
        pending: record(direct, &nowhere, direct.upload.sha256).await?,
        refusal: Some(refusal),
    })
}

/// Records where the bytes of the version are now, and returns it as it is then.
async fn record(
    direct: Direct<'_>,
    copy: &Url,
    sha256: Sha256,
) -> Result<PendingWork, AttemptError> {
    let Direct {
        pending,
        upload,
        job,
        tools,
    } = direct;
    let bytes = DirectBytes {
        job,
        version: pending.version,
        written: &upload.staged,
        written_until: tools.clock.now().plus(tools.limits.uploads.signed()),
        copy,
        sha256,
    };
    if !record_direct_bytes(&tools.db, &bytes).await? {
        tools.remover.remove(vec![copy.clone()]);
        return Err(AttemptError::LeaseLost);
    }
    remove_original(tools, &upload.staged).await;
    let loaded = load_pending(&tools.db, &[pending.version], &tools.limits).await?;
    // Deleted meanwhile: the outcome finds that as well.
    Ok(loaded.into_iter().next().unwrap_or_else(|| PendingWork {
        upload: Some(PendingUpload {
            sha256,
            is_direct: false,
            staged: copy.clone(),
            ..upload.clone()
        }),
        ..pending.clone()
    }))
}

/// Removes what the client has written; it stays listed, for what it may still write.
async fn remove_original(tools: &Tools, written: &Url) {
    let is_allowed = tools.removal_guard.allows_removal().await;
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
