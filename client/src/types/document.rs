//! Documents and their versions.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::Timestamp;

/// The metadata of a document.
pub type Metadata = Map<String, Value>;

/// A document.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Document {
    /// Its id.
    pub id: Uuid,
    /// Its owner.
    pub owner: Uuid,
    /// Its name.
    pub name: String,
    /// Its status.
    pub status: DocumentStatus,
    /// The detected media type, once it is known.
    pub mime_type: Option<String>,
    /// The media type that the uploader declared.
    pub declared_type: Option<String>,
    /// Whether name or declared type contradict the content.
    pub type_mismatch: bool,
    /// Its size in bytes.
    pub size_bytes: u64,
    /// The SHA-256 of its content, in hexadecimal.
    pub sha256: Option<String>,
    /// The version that readers get, once there is one.
    pub version: Option<u32>,
    /// The number of the latest version, which may be pending or have failed.
    pub latest_version: u32,
    /// The name under which it may be public.
    pub unique_name: Option<String>,
    /// Whether anybody may read it.
    pub is_public: bool,
    /// What its owner says about it.
    pub metadata: Metadata,
    /// Why it failed, if it did.
    pub error: Option<DocumentError>,
    /// A number that every change increments.
    pub revision: u64,
    /// When it was uploaded.
    pub created_at: Timestamp,
    /// When it was changed.
    pub updated_at: Timestamp,
    /// When it was archived, if it is.
    pub archived_at: Option<Timestamp>,
}

/// The status of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DocumentStatus {
    /// Its first version is being processed.
    Pending,
    /// It can be read.
    Active,
    /// It is deleted softly.
    Archived,
    /// Its first version failed.
    Error,
}

/// Why a document or version failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DocumentError {
    /// One of a closed list of codes.
    pub code: String,
    /// What happened.
    pub detail: String,
    /// Whether `retry` may help.
    pub retryable: bool,
}

/// Changes to a document; what is `None` stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DocumentChanges {
    /// A new name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// A unique name, or `Some(None)` to remove it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unique_name: Option<Option<String>>,
    /// Whether anybody may read it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_public: Option<bool>,
    /// Merged into the metadata (RFC 7396): `null` removes a member.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Metadata>,
}

/// A version of a document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Version {
    /// Its number, from 1.
    pub number: u32,
    /// Its status.
    pub status: VersionStatus,
    /// The detected media type, once it is known.
    pub mime_type: Option<String>,
    /// The media type that the uploader declared.
    pub declared_type: Option<String>,
    /// Whether name or declared type contradict the content.
    pub type_mismatch: bool,
    /// Its size in bytes.
    pub size_bytes: u64,
    /// The SHA-256 of its content, in hexadecimal.
    pub sha256: Option<String>,
    /// Why it failed, if it did.
    pub error: Option<DocumentError>,
    /// When it was uploaded.
    pub created_at: Timestamp,
}

/// The status of a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum VersionStatus {
    /// It is being processed.
    Pending,
    /// It can be read.
    Active,
    /// It failed.
    Error,
}

/// Something that happened to a document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TimelineEntry {
    /// When.
    pub at: Timestamp,
    /// What.
    pub kind: String,
    /// The version that it happened to.
    pub version: Option<u32>,
    /// The number of the attempt.
    pub attempt: Option<u32>,
    /// How long it took, in milliseconds.
    pub duration_ms: Option<u64>,
    /// The worker that did it.
    pub worker: Option<String>,
    /// Why it failed.
    pub code: Option<String>,
}
