//! Resumable uploads.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Timestamp;

/// A resumable upload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Upload {
    /// Its id; the document that it becomes has the same.
    pub id: Uuid,
    /// The name of its document.
    pub name: Option<String>,
    /// How many bytes have come.
    pub offset: u64,
    /// How many are to come, if that was told.
    pub length: Option<u64>,
    /// Its status.
    pub status: UploadStatus,
    /// The document, once it has become one.
    pub document_id: Option<Uuid>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it expires.
    pub expires_at: Timestamp,
}

/// The status of a resumable upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum UploadStatus {
    /// Bytes may come.
    Open,
    /// It becomes a document.
    Finishing,
    /// It has become a document.
    Complete,
    /// It has expired.
    Expired,
}
