//! Inserting events. The statement keeps the shape of what they tell of, and numbers them in the
//! order of commit: it locks their owners, so it is the last of its transaction that locks rows
//! which others may lock.

use serde::Serialize;
use serde_json::Value;

use crate::batch::{Columns, Kind, execute, parameter};
use crate::{DatabaseTransaction, DbError};
use domain::{DocumentId, EventKind, OperationId, TicketId, Timestamp, UploadId, UserId};

/// An event to be written.
#[derive(Debug, Serialize)]
pub struct NewEvent {
    owner_id: UserId,
    #[serde(skip_serializing_if = "Option::is_none")]
    document_id: Option<DocumentId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    operation_id: Option<OperationId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    told: Option<&'static str>,
    data: EventData,
    /// The last shape of a document whose row is gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    shape: Option<String>,
    at: Timestamp,
}

/// The data of an event.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum EventData {
    /// None.
    Nothing {},
    /// The version.
    Version { version: u32 },
    /// The result of an attempt to process a version.
    Attempt(Value),
    /// An upload that expired.
    Upload {
        upload: UploadId,
        name: Option<String>,
        offset: i64,
        length: Option<i64>,
    },
    /// A ticket that was used.
    Ticket { ticket: TicketId, uses_left: i64 },
}

impl From<Option<u32>> for EventData {
    fn from(version: Option<u32>) -> Self {
        version.map_or(Self::Nothing {}, |version| Self::Version { version })
    }
}

impl NewEvent {
    /// An event of an owner.
    pub fn new(owner: UserId, kind: EventKind, data: impl Into<EventData>, at: Timestamp) -> Self {
        Self {
            owner_id: owner,
            document_id: None,
            operation_id: None,
            kind: kind.timeline(),
            told: kind.told().map(domain::EventType::as_str),
            data: data.into(),
            shape: None,
            at,
        }
    }

    /// The same of a document.
    pub fn of(self, document: DocumentId) -> Self {
        Self {
            document_id: Some(document),
            ..self
        }
    }

    /// The same, by an operation; without a document, of the operation itself.
    pub fn by(self, operation: Option<OperationId>) -> Self {
        Self {
            operation_id: operation,
            ..self
        }
    }

    /// The same, with the last shape of its document.
    pub fn with_shape(self, shape: String) -> Self {
        Self {
            shape: Some(shape),
            ..self
        }
    }
}

/// Inserts events, in their order.
pub async fn insert_events(
    transaction: &DatabaseTransaction,
    events: &[NewEvent],
) -> Result<(), DbError> {
    const COLUMNS: &Columns = &[
        ("owner_id", Kind::Uuid),
        ("document_id", Kind::Uuid),
        ("operation_id", Kind::Uuid),
        ("kind", Kind::Text),
        ("type", Kind::Text),
        ("data", Kind::Json),
        ("shape", Kind::Text),
        ("at", Kind::Integer),
    ];
    if events.is_empty() {
        return Ok(());
    }
    let dialect = transaction.dialect();
    let (begin, rows) = dialect.numbered_events(&dialect.rows(COLUMNS));
    let (document, operation) = (dialect.document_shape(), dialect.operation_shape());
    // What isn't told has no shape. Subqueries, so that rows are looked up by their keys whatever
    // the planner believes.
    let sql = format!(
        "{begin}INSERT INTO events (owner_id, document_id, operation_id, kind, type, data, shape, at) \
         SELECT x.owner_id, x.document_id, x.operation_id, x.kind, x.type, x.data, CASE \
         WHEN x.shape IS NOT NULL OR x.type IS NULL THEN x.shape \
         WHEN x.document_id IS NOT NULL THEN \
         (SELECT {document} FROM documents WHERE documents.id = x.document_id) \
         ELSE (SELECT {operation} FROM operations WHERE operations.id = x.operation_id) END, x.at FROM {rows}"
    );
    execute(transaction, sql, [parameter(events)?]).await?;
    Ok(())
}
