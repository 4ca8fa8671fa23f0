//! What the uploader sees of a document that was uploaded with a ticket.

use domain::{ByteSize, Document, DocumentId, DocumentName, Lifecycle, Status};
use poem_openapi::Object;

use super::Id;

/// Why it failed.
#[derive(Clone, Debug, Object)]
#[oai(rename = "TicketDocumentError")]
pub struct TicketDocumentError {
    /// The code, for programs.
    pub code: String,
    /// An explanation.
    pub detail: String,
}

/// A document that was uploaded with a ticket.
#[derive(Clone, Debug, Object)]
#[oai(rename = "TicketDocument")]
pub struct TicketDocumentBody {
    /// Its id.
    pub id: Id<DocumentId>,
    /// Its name.
    pub name: String,
    /// Its size.
    pub size_bytes: u64,
    /// `pending`, `active`, `archived` or `error`.
    pub status: String,
    /// Why it failed, if it did.
    #[oai(nullable)]
    pub error: Option<TicketDocumentError>,
}

impl TicketDocumentBody {
    /// One that was just accepted.
    pub fn pending(id: DocumentId, name: &DocumentName, size: ByteSize) -> Self {
        Self {
            id: Id(id),
            name: name.to_string(),
            size_bytes: size.bytes(),
            status: Status::Pending.to_string(),
            error: None,
        }
    }
}

impl From<Document> for TicketDocumentBody {
    fn from(document: Document) -> Self {
        let error = match &document.lifecycle {
            Lifecycle::Error(failure) => Some(TicketDocumentError {
                code: failure.code.to_string(),
                detail: failure.detail.clone(),
            }),
            _ => None,
        };
        Self {
            id: Id(document.id),
            name: document.name.to_string(),
            size_bytes: document.size.bytes(),
            status: document.lifecycle.status().to_string(),
            error,
        }
    }
}
