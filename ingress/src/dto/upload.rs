//! Resumable uploads.

use domain::{DocumentId, UploadId, UploadStatus};
use ledger::Upload;
use poem_openapi::{Enum, Object};

use super::{Id, Moment};

/// The status of an upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename = "UploadStatus", rename_all = "lowercase")]
pub enum UploadStatusBody {
    /// It takes more bytes.
    Open,
    /// It has all its bytes, and is about to become a document.
    Finishing,
    /// It has become a document or a version, or is a part with all its bytes.
    Complete,
    /// Its time is over, and its bytes are gone.
    Expired,
}

/// A resumable upload.
#[derive(Debug, Object)]
#[oai(rename = "Upload")]
pub struct UploadBody {
    /// The id, which is that of the document it becomes.
    pub id: Id<UploadId>,
    /// The document's name; `null` of a version or a part.
    #[oai(nullable)]
    pub name: Option<String>,
    /// Bytes that are durable.
    pub offset: u64,
    /// All bytes, if known.
    #[oai(nullable)]
    pub length: Option<u64>,
    /// Its status.
    pub status: UploadStatusBody,
    /// The document that it has become, or gets a version by it.
    #[oai(nullable)]
    pub document_id: Option<Id<DocumentId>>,
    /// When it was created.
    pub created_at: Moment,
    /// When it expires; once it has ended, when it is forgotten.
    pub expires_at: Moment,
}

/// A page of uploads.
#[derive(Debug, Object)]
#[oai(rename = "UploadPage")]
pub struct UploadPageBody {
    /// The uploads, newest first.
    pub items: Vec<UploadBody>,
    /// The `cursor` of the next page, if there is one.
    #[oai(nullable)]
    pub next_cursor: Option<String>,
}

impl From<Upload> for UploadBody {
    fn from(upload: Upload) -> Self {
        let status = match upload.status {
            UploadStatus::Open if upload.has_all() => UploadStatusBody::Finishing,
            UploadStatus::Open => UploadStatusBody::Open,
            UploadStatus::Complete => UploadStatusBody::Complete,
            UploadStatus::Expired => UploadStatusBody::Expired,
        };
        let became = upload.became.map(|became| became.document);
        Self {
            id: Id(upload.id),
            name: upload.purpose.name().map(ToString::to_string),
            offset: upload.offset,
            length: upload.length,
            status,
            document_id: became.or(upload.purpose.document()).map(Id),
            created_at: Moment(upload.created_at),
            expires_at: Moment(upload.expires_at),
        }
    }
}
