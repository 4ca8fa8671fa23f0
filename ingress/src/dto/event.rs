//! Events of feeds.

use domain::{DocumentId, EventType, OperationId, TicketId, UploadId, UserId};
use ledger::{ExpiredUpload, FeedEvent, FeedPosition, UsedTicket};
use poem_openapi::Object;

use super::forms::EventTypeText;
use super::{Binding, CursorText, DocumentBody, Id, Moment, OperationBody, cursor, position};
use crate::problem::Problem;

/// An upload that expired.
#[derive(Debug, Object)]
#[oai(rename = "ExpiredUpload")]
pub struct ExpiredUploadBody {
    /// Its id.
    pub id: Id<UploadId>,
    /// The name of what it was to become.
    #[oai(nullable)]
    pub name: Option<String>,
    /// The bytes that had arrived.
    pub offset: u64,
    /// All its bytes, if that was known.
    #[oai(nullable)]
    pub length: Option<u64>,
}

/// A ticket that was used.
#[derive(Debug, Object)]
#[oai(rename = "UsedTicket")]
pub struct UsedTicketBody {
    /// Its id.
    pub id: Id<TicketId>,
    /// The uses that were left.
    pub uses_left: u64,
}

/// What an event tells.
#[derive(Debug, Object)]
#[oai(rename = "EventData", skip_serializing_if_is_none)]
pub struct EventDataBody {
    /// The document after the event; of `document.deleted`, as it was last.
    pub document: Option<DocumentBody>,
    /// The version that it is about.
    pub version: Option<u32>,
    /// The code of a failure.
    pub code: Option<String>,
    /// The operation, of the types `operation.*`.
    pub operation: Option<OperationBody>,
    /// The upload, of `upload.expired`.
    pub upload: Option<ExpiredUploadBody>,
    /// The ticket, of `ticket.used`.
    pub ticket: Option<UsedTicketBody>,
}

/// Something that happened.
#[derive(Debug, Object)]
#[oai(rename = "Event")]
pub struct EventBody {
    /// Its id, which is also the cursor behind it.
    pub id: String,
    /// What happened.
    pub r#type: EventTypeText,
    /// When.
    pub at: Moment,
    /// The document that it happened to.
    #[oai(nullable)]
    pub document_id: Option<Id<DocumentId>>,
    /// The operation that did it, or that it happened to.
    #[oai(nullable)]
    pub operation_id: Option<Id<OperationId>>,
    /// More about it.
    pub data: EventDataBody,
}

/// A part of a feed.
#[derive(Debug, Object)]
#[oai(rename = "EventPage")]
pub struct EventPageBody {
    /// The events, in the order in which they were committed.
    pub items: Vec<EventBody>,
    /// Where the feed goes on: pass it as `after`. It is always there.
    pub next_cursor: String,
}

/// The cursors of an owner's feed: valid with any filter, and for everybody who may read it.
#[derive(Clone, Copy, Debug)]
pub struct FeedCursors(Binding);

impl FeedCursors {
    /// Those of an owner.
    #[must_use]
    pub fn of(owner: UserId) -> Self {
        Self(Binding::new(owner, &[&"events"]))
    }

    /// Writes a cursor.
    #[must_use]
    pub fn write(self, position: FeedPosition) -> String {
        cursor(self.0, &position)
    }

    /// Reads the cursor that a parameter or field gives.
    pub fn read(self, text: &str, name: &'static str) -> Result<FeedPosition, Problem> {
        let text = CursorText(text.to_owned());
        let read = position(self.0, Some(&text), |text| text.parse().ok());
        let foreign = || Problem::invalid_field(name, "is not a cursor of this feed");
        read.ok().flatten().ok_or_else(foreign)
    }

    /// An event as it is told.
    #[must_use]
    pub fn event(self, event: FeedEvent) -> EventBody {
        EventBody {
            id: self.write(event.position),
            r#type: EventTypeText(event.kind.as_str().to_owned()),
            at: Moment(event.at),
            document_id: event.document_id.map(Id),
            operation_id: event.operation_id.map(Id),
            data: EventDataBody {
                document: event.document.map(Into::into),
                version: event.version,
                code: event.code,
                operation: event.operation.map(Into::into),
                upload: event.upload.map(Into::into),
                ticket: event.ticket.map(Into::into),
            },
        }
    }
}

/// Reads a list of types, separated by commas.
pub fn read_types(text: &str) -> Result<Vec<EventType>, Problem> {
    let types = text.split(',').map(|word| word.trim().parse());
    let types: Result<Vec<_>, _> = types.collect();
    types.map_err(|error: domain::UnknownWord| Problem::invalid_field("types", error.to_string()))
}

impl From<ExpiredUpload> for ExpiredUploadBody {
    fn from(upload: ExpiredUpload) -> Self {
        Self {
            id: Id(upload.id),
            name: upload.name,
            offset: upload.offset,
            length: upload.length,
        }
    }
}

impl From<UsedTicket> for UsedTicketBody {
    fn from(ticket: UsedTicket) -> Self {
        Self {
            id: Id(ticket.id),
            uses_left: ticket.uses_left,
        }
    }
}
