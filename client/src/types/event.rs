//! What happened.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Document, Operation, Timestamp};

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Event {
    /// Its id.
    pub id: String,
    /// What happened, such as `document.activated`.
    #[serde(rename = "type")]
    pub kind: String,
    /// When.
    pub at: Timestamp,
    /// The document that it happened to.
    pub document_id: Option<Uuid>,
    /// The operation that it belongs to.
    pub operation_id: Option<Uuid>,
    /// More about it.
    pub data: EventData,
}

/// More about an event.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct EventData {
    /// The document after the event; of `document.deleted`, as it was last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document: Option<Box<Document>>,
    /// The number of the version that it happened to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
    /// Why something failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The operation, of the types `operation.*`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<Box<Operation>>,
    /// The upload, of `upload.expired`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upload: Option<ExpiredUpload>,
    /// The ticket, of `ticket.used`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket: Option<UsedTicket>,
}

/// An upload that expired.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ExpiredUpload {
    /// Its id.
    pub id: Uuid,
    /// The name that its document would have had.
    pub name: Option<String>,
    /// How many bytes had come.
    pub offset: u64,
    /// How many were to come, if that was told.
    pub length: Option<u64>,
}

/// A ticket that was used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct UsedTicket {
    /// Its id.
    pub id: Uuid,
    /// How many uses it has left.
    pub uses_left: u64,
}
