//! What a request that creates a resumable upload asks for, whatever its protocol. Called by the routes
//! that create one; it reads no header fields itself.

use domain::{ByteSize, Sha256, UploadProtocol};
use ledger::{NewUpload, Upload, UploadHeader, UploadPurpose};
use poem::http::HeaderMap;
use poem::http::header::CONTENT_LENGTH;

use crate::problem::{Code, Problem};
use crate::resumable::{Append, Concat, Written, check_size};

/// What a creation asks for.
pub(super) struct Wanted {
    pub(super) protocol: UploadProtocol,
    /// The digest of the whole.
    pub(super) expected: Option<Sha256>,
    pub(super) said: UploadHeader,
    pub(super) concat: Concat,
    pub(super) purpose: UploadPurpose,
    /// What makes a repetition the same.
    pub(super) identity: String,
}

/// Refuses first bytes that are more than the upload may have, before it is created.
pub(super) fn check_first(append: &Append, new: &NewUpload, max: ByteSize) -> Result<(), Problem> {
    let most = new.length.unwrap_or(max.bytes());
    let most = most.min(new.max_bytes.unwrap_or(u64::MAX));
    check_size(append.announced.unwrap_or(0), ByteSize::new(most))
}

/// Refuses bytes for an upload that joins others.
pub(super) fn refuse_joined(upload: &Upload) -> Result<(), Problem> {
    if upload.joins.is_none() {
        return Ok(());
    }
    let detail = "An upload that joins others takes no bytes of its own.";
    Err(Problem::from(Code::Forbidden).with_detail(detail))
}

/// An upload as it is.
pub(super) fn unwritten(upload: &Upload) -> Written {
    Written {
        offset: upload.offset,
        became: upload.became,
        expires_at: Some(upload.expires_at),
    }
}

/// How many bytes a request has, if its header says.
pub(super) fn announced(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// A header field is missing, or one too many.
pub(super) fn missing(detail: &'static str) -> Problem {
    Problem::from(Code::BadRequest).with_detail(detail)
}
