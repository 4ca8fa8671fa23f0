//! Timelines: what happened to a document, in order.

use sea_orm::{ConnectionTrait, QueryResult};
use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::batch::{Columns, Kind, execute, parameter, query};
use super::dialect::Dialect;
use super::readable::unreadable;
use super::{Database, DbError};
use domain::{DocumentId, Timestamp, UserId};

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

/// An event that is not the outcome of a job.
#[derive(Clone, Copy, Debug)]
pub(super) struct NewEvent {
    /// Whose document it is.
    pub owner: UserId,
    /// To which document it happened.
    pub document: DocumentId,
    /// What happened.
    pub kind: &'static str,
    /// The version it happened to.
    pub version: Option<u32>,
}

/// Writes events.
pub(super) async fn add(
    connection: &impl ConnectionTrait,
    events: &[NewEvent],
    now: Timestamp,
) -> Result<(), DbError> {
    const COLUMNS: &Columns = &[
        ("owner_id", Kind::Uuid),
        ("document_id", Kind::Uuid),
        ("kind", Kind::Text),
        ("data", Kind::Json),
    ];

    #[derive(Serialize)]
    struct Row {
        owner_id: Uuid,
        document_id: Uuid,
        kind: &'static str,
        data: Value,
    }

    if events.is_empty() {
        return Ok(());
    }
    let row = |event: &NewEvent| Row {
        owner_id: event.owner.0,
        document_id: event.document.0,
        kind: event.kind,
        data: event
            .version
            .map_or_else(|| json!({}), |number| json!({"version": number})),
    };
    let list = Dialect::of(connection).rows(COLUMNS);
    let sql = format!(
        "INSERT INTO events (owner_id, document_id, kind, data, at) \
         SELECT x.owner_id, x.document_id, x.kind, x.data, $2 FROM {list}"
    );
    let events: Vec<_> = events.iter().map(row).collect();
    let values = [parameter(&events)?, now.as_micros().into()];
    execute(connection, sql, values).await?;
    Ok(())
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
         ORDER BY sequence LIMIT $3";
    let most = usize::try_from(limit).unwrap_or(usize::MAX);
    let rows = i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1);
    let values = [document.0.into(), (after / PLACES).into(), rows.into()];
    let mut events = Vec::new();
    for row in query(db.reader(), sql, values).await? {
        match row_events(&row) {
            Ok(of_row) => events.extend(of_row),
            Err(error) => unreadable(&error),
        }
    }
    events.retain(|event| event.sequence > after);
    events.truncate(most);
    Ok(events)
}

fn row_events(row: &QueryResult) -> Result<Vec<Event>, DbError> {
    let data: Value = row.try_get("", "data")?;
    let first = row.try_get::<i64>("", "sequence")? * PLACES;
    let number = |field: &str| {
        data[field]
            .as_u64()
            .and_then(|number| u32::try_from(number).ok())
    };
    let text = |field: &str| data[field].as_str().map(str::to_owned);
    let outcome = Event {
        sequence: first + PLACES - 1,
        at: Timestamp::from_micros(row.try_get("", "at")?),
        kind: row.try_get("", "kind")?,
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
    Ok(events)
}
