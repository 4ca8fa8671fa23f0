//! Who one is, and what one uses.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Timestamp;

/// The user of a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Me {
    /// Their id.
    pub id: Uuid,
    /// Their name.
    pub name: String,
    /// Their role.
    pub role: Role,
    /// What the key may be used for.
    pub scopes: Vec<String>,
    /// The key; none of a token.
    pub key: Option<ApiKey>,
    /// Their limits.
    pub limits: UserLimits,
    /// When they were created.
    pub created_at: Timestamp,
}

/// The role of a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Has documents of their own.
    User,
    /// Manages users and the service.
    Admin,
}

/// An API key, without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ApiKey {
    /// Its id.
    pub id: Uuid,
    /// Its name.
    pub name: Option<String>,
    /// Its first characters.
    pub starts_with: Option<String>,
    /// What it may be used for.
    pub scopes: Vec<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it expires.
    pub expires_at: Option<Timestamp>,
    /// When it was used last, to the minute.
    pub last_used_at: Option<Timestamp>,
}

/// The limits of a user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct UserLimits {
    /// Bytes of all documents.
    pub quota_bytes: u64,
    /// The number of documents.
    pub quota_documents: u32,
    /// Bytes of a document.
    pub max_document_bytes: u64,
    /// Requests in a time, such as `600/min`.
    pub rate_limit: Option<String>,
}

/// What a user uses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Usage {
    /// Documents by status.
    pub documents: DocumentCounts,
    /// Bytes.
    pub bytes: ByteCounts,
    /// The most documents that they may have.
    pub document_limit: u32,
    /// Documents by media type.
    pub by_type: Vec<TypeUsage>,
}

/// Documents by status.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DocumentCounts {
    /// All.
    pub total: u64,
    /// Those being processed.
    pub pending: u64,
    /// Those that can be read.
    pub active: u64,
    /// Those that are archived.
    pub archived: u64,
    /// Those that failed.
    pub error: u64,
}

/// Bytes of a user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ByteCounts {
    /// Of documents.
    pub used: u64,
    /// Of uploads that aren't documents yet.
    pub reserved: u64,
    /// The most that both together may be.
    pub limit: u64,
}

/// Documents of a media type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TypeUsage {
    /// The media type.
    pub mime_type: String,
    /// How many there are.
    pub documents: u64,
    /// Their bytes.
    pub bytes: u64,
}
