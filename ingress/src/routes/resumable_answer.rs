//! Answers about resumable uploads, in the header fields of tus.

use std::time::{Duration, SystemTime};

use domain::{Document, DocumentId, Timestamp, UploadProtocol, UploadStatus};
use ledger::{Became, Upload};
use poem_openapi::ApiResponse;
use poem_openapi::payload::Json;

use crate::dto::{DocumentBody, UploadBody, UploadPageBody};
use crate::http::Wait;
use crate::resumable::{Completeness, Written};

/// The answer to a creation.
#[derive(ApiResponse)]
pub(super) enum Created {
    /// The upload was created, with the bytes of the request if it had any.
    #[oai(status = 201)]
    Upload(
        /// The URL of the upload.
        #[oai(header = "Location")]
        String,
        /// Bytes that are durable.
        #[oai(header = "Upload-Offset")]
        u64,
        /// When an unfinished upload expires, as an HTTP date.
        #[oai(header = "Upload-Expires")]
        Option<String>,
        /// The document that the upload became, if it is complete.
        #[oai(header = "Dossier-Document")]
        Option<String>,
        /// The number of the version, if it became one of another document.
        #[oai(header = "Dossier-Version")]
        Option<u32>,
        /// Of a creation by the protocol of the IETF: `?0`.
        #[oai(header = "Upload-Complete")]
        Option<String>,
        /// Its limits: `max-size` and `max-age`.
        #[oai(header = "Upload-Limit")]
        String,
    ),
}

/// The answer to an append.
#[derive(ApiResponse)]
pub(super) enum Appended {
    /// The bytes are durable.
    #[oai(status = 204)]
    Bytes(
        /// Bytes that are durable.
        #[oai(header = "Upload-Offset")]
        u64,
        /// When an unfinished upload expires, as an HTTP date.
        #[oai(header = "Upload-Expires")]
        Option<String>,
        /// The document that the upload became, if it is complete.
        #[oai(header = "Dossier-Document")]
        Option<String>,
        /// The number of the version, if it became one of another document.
        #[oai(header = "Dossier-Version")]
        Option<u32>,
        /// Of an append by the protocol of the IETF: `?0`.
        #[oai(header = "Upload-Complete")]
        Option<String>,
    ),
    /// By the protocol of the IETF: the bytes were the last ones, and `Prefer: wait` was honored: the document
    /// is active with them.
    #[oai(status = 201)]
    Active(
        Json<Box<DocumentBody>>,
        /// Where the document is; of a new version, where that is.
        #[oai(header = "Location")]
        String,
        /// Bytes that are durable.
        #[oai(header = "Upload-Offset")]
        u64,
        /// Always `?1`.
        #[oai(header = "Upload-Complete")]
        String,
        /// `wait=<seconds>`
        #[oai(header = "Preference-Applied")]
        String,
    ),
    /// By the protocol of the IETF: the bytes were the last ones, and the document is accepted.
    #[oai(status = 202)]
    Document(
        Json<Box<DocumentBody>>,
        /// Where the document is; of a new version, where that is.
        #[oai(header = "Location")]
        String,
        /// Bytes that are durable.
        #[oai(header = "Upload-Offset")]
        u64,
        /// Always `?1`.
        #[oai(header = "Upload-Complete")]
        String,
        /// Seconds to wait before polling again.
        #[oai(header = "Retry-After")]
        u32,
        /// `wait=<seconds>`, if the client asked to wait.
        #[oai(header = "Preference-Applied")]
        Option<String>,
    ),
}

/// The offset of an upload.
#[derive(ApiResponse)]
pub(super) enum Offset {
    /// Where the upload goes on.
    #[oai(status = 200)]
    Upload(
        /// Bytes that are durable; missing while parts are being joined.
        #[oai(header = "Upload-Offset")]
        Option<u64>,
        /// All bytes, if known.
        #[oai(header = "Upload-Length")]
        Option<u64>,
        /// `1` if the length isn't known.
        #[oai(header = "Upload-Defer-Length")]
        Option<u32>,
        /// As the upload was created with.
        #[oai(header = "Upload-Metadata")]
        Option<String>,
        /// As the upload was created with.
        #[oai(header = "Upload-Concat")]
        Option<String>,
        /// When an unfinished upload expires, as an HTTP date.
        #[oai(header = "Upload-Expires")]
        Option<String>,
        /// The document that the upload became, if it is complete.
        #[oai(header = "Dossier-Document")]
        Option<String>,
        /// The number of the version, if it became one of another document.
        #[oai(header = "Dossier-Version")]
        Option<u32>,
        /// Whether the client has said that nothing follows: `?1` or `?0`.
        #[oai(header = "Upload-Complete")]
        String,
        /// Its limits: `max-size` and `max-age`.
        #[oai(header = "Upload-Limit")]
        String,
        /// Always `no-store`.
        #[oai(header = "Cache-Control")]
        String,
    ),
}

/// An upload as JSON.
#[derive(ApiResponse)]
pub(super) enum Found {
    /// The upload.
    #[oai(status = 200)]
    Upload(
        Json<UploadBody>,
        /// Always `no-store`.
        #[oai(header = "Cache-Control")]
        String,
    ),
}

/// A list of uploads.
#[derive(ApiResponse)]
pub(super) enum Listed {
    /// The uploads.
    #[oai(status = 200)]
    Uploads(
        Json<UploadPageBody>,
        /// Always `no-store`.
        #[oai(header = "Cache-Control")]
        String,
    ),
}

/// The answer to a termination.
#[derive(ApiResponse)]
pub(super) enum Terminated {
    /// The upload is gone; a document that it has become stays.
    #[oai(status = 204)]
    Done,
}

/// The value of `Cache-Control` about what changes all the time.
pub(super) fn no_store() -> String {
    "no-store".to_owned()
}

/// The date when an upload expires (RFC 9110, section 5.6.7).
pub(super) fn http_date(at: Timestamp) -> String {
    let since = Duration::from_micros(at.as_micros().max(0).unsigned_abs());
    httpdate::fmt_http_date(SystemTime::UNIX_EPOCH + since)
}

/// What an upload became: its document, and its version unless that is the first one.
fn became(became: Option<Became>, upload: DocumentId) -> (Option<String>, Option<u32>) {
    let version = became.filter(|became| became.document != upload);
    (
        became.map(|became| became.document.to_string()),
        version.map(|became| became.version),
    )
}

impl Created {
    pub(super) fn of(upload: &Upload, written: &Written, limit: String) -> Self {
        Self::at(format!("/v1/uploads/{}", upload.id), upload, written, limit)
    }

    /// One at another place.
    pub(super) fn at(location: String, upload: &Upload, written: &Written, limit: String) -> Self {
        let (document, version) = became(written.became, upload.id.into());
        let is_ietf = upload.protocol == UploadProtocol::Ietf;
        Self::Upload(
            location,
            written.offset,
            written.expires_at.map(http_date),
            document,
            version,
            is_ietf.then(|| Completeness::Incomplete.as_str().to_owned()),
            limit,
        )
    }
}

impl Appended {
    /// The answer to the last bytes by the protocol of the IETF, if the document isn't processed yet.
    pub(super) fn document(
        document: Document,
        location: String,
        offset: u64,
        wait: Option<Wait>,
    ) -> Self {
        let complete = Completeness::Complete.as_str().to_owned();
        let applied = wait.map(|wait| wait.to_string());
        let document = Json(Box::new(document.into()));
        Self::Document(document, location, offset, complete, 1, applied)
    }

    /// The answer to the last bytes by the protocol of the IETF, for a client that has waited.
    pub(super) fn active(document: Document, location: String, offset: u64, wait: Wait) -> Self {
        let complete = Completeness::Complete.as_str().to_owned();
        let document = Json(Box::new(document.into()));
        Self::Active(document, location, offset, complete, wait.to_string())
    }

    pub(super) fn of(id: DocumentId, written: &Written, said: Option<Completeness>) -> Self {
        let (document, version) = became(written.became, id);
        Self::Bytes(
            written.offset,
            written.expires_at.map(http_date),
            document,
            version,
            said.map(|said| said.as_str().to_owned()),
        )
    }
}

impl Offset {
    pub(super) fn of(upload: Upload, limit: String) -> Self {
        let (document, version) = became(upload.became, upload.id.into());
        let is_open = upload.status == UploadStatus::Open;
        let is_joined = is_open && upload.joins.is_some();
        let text = |text: String| Some(text).filter(|text| !text.is_empty());
        Self::Upload(
            (!is_joined).then_some(upload.offset),
            upload.length,
            upload.length.is_none().then_some(1),
            text(upload.said.metadata),
            text(upload.said.concat),
            is_open.then(|| http_date(upload.expires_at)),
            document,
            version,
            if is_open { "?0" } else { "?1" }.to_owned(),
            limit,
            no_store(),
        )
    }
}
