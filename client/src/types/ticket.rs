//! Tickets: uploads by somebody without a key.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Metadata, Timestamp};

/// A ticket to make; what is `None` is left to the service.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct NewTicket {
    /// How many documents may be uploaded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uses: Option<u32>,
    /// How long it lives, such as `24h`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_in: Option<String>,
    /// The largest document.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_bytes: Option<u64>,
    /// The media types that documents may have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowed_types: Option<Vec<String>>,
    /// The name of the documents; else the uploader chooses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The metadata of the documents.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Metadata>,
    /// The origin of a page that may upload.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cors_origin: Option<String>,
}

/// A ticket.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Ticket {
    /// Its id.
    pub id: Uuid,
    /// Where to upload, with the secret; told once, when it is made.
    pub url: Option<String>,
    /// Its status.
    pub status: TicketStatus,
    /// How many documents may be uploaded.
    pub uses: u32,
    /// How many of them are left.
    pub uses_left: u32,
    /// The largest document.
    pub max_bytes: Option<u64>,
    /// The media types that documents may have; none for any.
    pub allowed_types: Vec<String>,
    /// The name of the documents.
    pub name: Option<String>,
    /// The metadata of the documents.
    pub metadata: Metadata,
    /// The origin of a page that may upload.
    pub cors_origin: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it expires.
    pub expires_at: Timestamp,
}

/// The status of a ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TicketStatus {
    /// It can be used.
    Open,
    /// It has been used as often as it may be.
    Used,
    /// It has expired.
    Expired,
    /// It was revoked.
    Revoked,
}
