//! Timelines: what happened to a document, in order.

use sea_orm::FromQueryResult;
use serde_json::Value;

use super::batch::query;
use super::readable::readable;
use super::{Database, DbError};
use domain::{DocumentId, Timestamp};

/// An entry of a timeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its place in the order of all events.
    pub sequence: i64,
    /// When it happened.
    pub at: Timestamp,
    /// What happened: `accepted`, `activated`, `attempt_failed`, …
    pub kind: String,
    /// The version it happened to.
    pub version: Option<u32>,
    /// The attempt it ended.
    pub attempt: Option<u32>,
    /// How long the attempt took, in milliseconds.
    pub duration_ms: Option<u64>,
    /// Who did it.
    pub worker: Option<String>,
    /// The code of a failure.
    pub code: Option<String>,
}

/// A row of a timeline.
#[derive(Debug, FromQueryResult)]
struct EventRow {
    sequence: i64,
    kind: String,
    data: Value,
    at: i64,
}

/// Places that one row has in the order of a timeline: its steps, then the row itself. There
/// are fewer steps than that.
const PLACES: i64 = 16;

/// A document's events behind `after`, oldest first. The outcome of an attempt is preceded
/// by the steps that the attempt passed.
pub async fn timeline(
    db: &Database,
    document: DocumentId,
    after: i64,
    limit: u64,
) -> Result<Vec<Event>, DbError> {
    // The row of `after` itself may have steps that were not shown yet.
    let sql = "SELECT sequence, at, kind, data FROM events WHERE document_id = $1 AND sequence >= $2 \
         AND kind IS NOT NULL ORDER BY sequence LIMIT $3";
    let most = usize::try_from(limit).unwrap_or(usize::MAX);
    let rows = i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1);
    let values = [document.0.into(), (after / PLACES).into(), rows.into()];
    let rows = query(db.reader(), sql, values).await?;
    let rows = readable(&rows, |row| Ok(EventRow::from_query_result(row, "")?));
    let mut events: Vec<_> = rows.into_iter().flat_map(row_events).collect();
    events.retain(|event| event.sequence > after);
    events.truncate(most);
    Ok(events)
}

/// The steps of an attempt, and how it ended.
fn row_events(row: EventRow) -> Vec<Event> {
    let data = row.data;
    let first = row.sequence * PLACES;
    let number = |field: &str| {
        data[field]
            .as_u64()
            .and_then(|number| u32::try_from(number).ok())
    };
    let text = |field: &str| data[field].as_str().map(str::to_owned);
    let outcome = Event {
        sequence: first + PLACES - 1,
        at: Timestamp::from_micros(row.at),
        kind: row.kind,
        version: number("version"),
        attempt: number("attempt"),
        duration_ms: data["duration_ms"].as_u64(),
        worker: text("worker"),
        code: text("code"),
    };
    let steps = data["steps"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    let step = |(place, step): (i64, &Value)| Event {
        sequence: first + place,
        at: step["at"]
            .as_i64()
            .map_or(outcome.at, Timestamp::from_micros),
        kind: step["kind"].as_str().unwrap_or_default().to_owned(),
        duration_ms: step["duration_ms"].as_u64(),
        code: None,
        ..outcome.clone()
    };
    let mut events: Vec<_> = (0..PLACES - 1).zip(steps).map(step).collect();
    events.push(outcome);
    events
}
