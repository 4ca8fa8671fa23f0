//! The table `events`: what happened to documents, in order.
//!
//! | index | serves |
//! | --- | --- |
//! | primary key | the cleanup's walk along all events |
//! | `events_of_document` | a timeline; which of a document's events are too old |
//! | `events_of_owner` | deleting a user's events with the user |

use sea_orm::{ConnectionTrait, FromQueryResult};
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use crate::DbError;
use crate::batch::{Columns, Kind, execute, parameter};
use crate::dialect::Dialect;
use domain::{DocumentId, Timestamp, UserId};

/// A row as timelines read it.
#[derive(Debug, FromQueryResult)]
pub struct EventRow {
    pub sequence: i64,
    pub kind: String,
    pub data: Value,
    pub at: i64,
}

/// An event to be written.
#[derive(Debug, Serialize)]
pub struct NewEvent {
    pub owner_id: UserId,
    pub document_id: DocumentId,
    pub kind: &'static str,
    pub data: EventData,
    pub at: Timestamp,
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
}

impl From<Option<u32>> for EventData {
    fn from(version: Option<u32>) -> Self {
        version.map_or(Self::Nothing {}, |version| Self::Version { version })
    }
}

/// Inserts events, in their order.
pub async fn insert_events(
    connection: &impl ConnectionTrait,
    events: &[NewEvent],
) -> Result<(), DbError> {
    const COLUMNS: &Columns = &[
        ("owner_id", Kind::Uuid),
        ("document_id", Kind::Uuid),
        ("kind", Kind::Text),
        ("data", Kind::Json),
        ("at", Kind::Integer),
    ];
    if events.is_empty() {
        return Ok(());
    }
    let sql = format!(
        "INSERT INTO events (owner_id, document_id, kind, data, at) \
         SELECT x.owner_id, x.document_id, x.kind, x.data, x.at FROM {}",
        Dialect::of(connection).rows(COLUMNS)
    );
    execute(connection, sql, [parameter(events)?]).await?;
    Ok(())
}

/// A document with the oldest of its events that are kept.
#[derive(Debug, Serialize)]
pub struct KeptEvents {
    pub document_id: Uuid,
    pub oldest: i64,
}

/// Deletes at most `limit` events that are older than those that are kept, and that happened before
/// `until`. Returns how many were deleted.
pub async fn delete_older(
    connection: &impl ConnectionTrait,
    kept: &[KeptEvents],
    until: Timestamp,
    limit: u32,
) -> Result<u64, DbError> {
    const COLUMNS: &Columns = &[("document_id", Kind::Uuid), ("oldest", Kind::Integer)];
    let sql = format!(
        "DELETE FROM events WHERE sequence IN (SELECT e.sequence FROM {} JOIN events e \
         ON e.document_id = x.document_id AND e.sequence < x.oldest WHERE e.at < $2 LIMIT {limit})",
        Dialect::of(connection).rows(COLUMNS),
    );
    let values = [parameter(kept)?, until.as_micros().into()];
    execute(connection, sql, values).await
}
