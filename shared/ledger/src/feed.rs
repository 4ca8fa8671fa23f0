//! The feed of an owner: the events of their documents, operations, uploads and tickets, in the order
//! of commit, from a position on.
//!
//! Events of one owner are numbered while the owner's row is locked (`Dialect::numbered_events`), so
//! whoever sees one sees all before it: a reader that goes on behind the last event it saw misses
//! none.

use std::fmt;
use std::str::FromStr;

use sea_orm::{FromQueryResult, QueryResult};
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use super::batch::{Columns, Kind, parameter, query, query_as};
use super::readable::{readable, unreadable};
use super::tables::documents::document_of_event;
use super::tables::operations::operation_of_event;
use super::{Database, DbError};
use domain::{
    Document, DocumentId, EventType, Operation, OperationId, TicketId, Timestamp, UploadId, UserId,
};

/// The most events that one query of a filtered feed looks at.
const WINDOW: u32 = 5_000;

/// A place in a feed: behind an event, or before all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct FeedPosition(pub i64);

impl fmt::Display for FeedPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for FeedPosition {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

/// Which events of a feed are asked for.
#[derive(Clone, Debug)]
pub struct FeedRequest {
    /// Whose.
    pub owner: UserId,
    /// Behind this place; `None` begins with the oldest that is kept.
    pub after: Option<FeedPosition>,
    /// Of these types; `None` for all.
    pub types: Option<Vec<EventType>>,
    /// Of this document.
    pub document: Option<DocumentId>,
    /// The most events.
    pub limit: u32,
    /// The most bytes of what they tell of, beyond the first event.
    pub bytes: u32,
}

/// A part of a feed.
#[derive(Clone, Debug)]
pub struct FeedPage {
    /// The events, in the order of commit.
    pub events: Vec<FeedEvent>,
    /// Where the feed goes on: at its end behind the newest event of the owner, whatever was asked for.
    pub next: FeedPosition,
    /// Whether there were no more.
    pub is_end: bool,
}

/// An event.
#[derive(Clone, Debug)]
pub struct FeedEvent {
    /// The place behind it.
    pub position: FeedPosition,
    /// Its type.
    pub kind: EventType,
    /// When it happened.
    pub at: Timestamp,
    /// The document.
    pub document_id: Option<DocumentId>,
    /// The operation that did it, or that it tells of.
    pub operation_id: Option<OperationId>,
    /// The document after it; of one that was deleted, the last state.
    pub document: Option<Document>,
    /// The operation that it tells of.
    pub operation: Option<Operation>,
    /// The version.
    pub version: Option<u32>,
    /// The code of a failure.
    pub code: Option<String>,
    /// The upload that expired.
    pub upload: Option<ExpiredUpload>,
    /// The ticket that was used.
    pub ticket: Option<UsedTicket>,
}

/// An upload that expired.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpiredUpload {
    /// Its id.
    pub id: UploadId,
    /// The name of what it was to become.
    pub name: Option<String>,
    /// The bytes that had arrived.
    pub offset: u64,
    /// All bytes, if known.
    pub length: Option<u64>,
}

/// A ticket that was used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsedTicket {
    /// Its id.
    pub id: TicketId,
    /// The uses that were left.
    pub uses_left: u64,
}

/// Why a feed can't be read.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    /// Events behind the position were removed, or it is behind the newest event: it is of a feed that
    /// had more, before the database was restored.
    #[error("events after the cursor are not kept any more")]
    Expired,
    /// There is no such user.
    #[error("there is no such user")]
    NoOwner,
    /// The database failed.
    #[error(transparent)]
    Database(#[from] DbError),
}

/// What a query found beside the events.
#[derive(FromQueryResult)]
struct Bounds {
    events_floor: i64,
    /// The newest event of the owner.
    newest: Option<i64>,
    /// The last of the events that were looked at.
    seen: Option<i64>,
    looked: i64,
    /// How many of them were wanted.
    matched: i64,
}

impl Bounds {
    /// The place behind the newest event of the owner, kept or not.
    fn end(&self) -> FeedPosition {
        FeedPosition(self.newest.unwrap_or_default().max(self.events_floor))
    }
}

#[derive(FromQueryResult)]
struct Row {
    sequence: i64,
    owner_id: Uuid,
    document_id: Option<Uuid>,
    operation_id: Option<Uuid>,
    told: String,
    data: Value,
    shape: Option<String>,
    at: i64,
}

/// Returns the next events of a feed, by one query. A page may have fewer than there are: of a
/// filtered feed a bounded number is looked at.
pub async fn read_feed(db: &Database, request: &FeedRequest) -> Result<FeedPage, FeedError> {
    let window = match &request.types {
        Some(_) => WINDOW,
        None => request.limit,
    };
    let types = request.types.as_deref().unwrap_or(EventType::ALL);
    let types: Vec<_> = types.iter().map(|kind| kind.as_str()).collect();
    // Compared as a row, so that only the index of the owner, or of the document, has the order:
    // along the primary key a quiet owner would read everybody's events.
    let (column, id, scope) = match request.document {
        None => ("owner_id", request.owner.0, ""),
        Some(document) => ("document_id", document.0, "AND owner_id = $2 "),
    };
    let sql = format!(
        "WITH seen AS (SELECT sequence, type, COALESCE(octet_length(shape), 0) AS bytes FROM events \
         WHERE ({column}, sequence) > ($4, COALESCE($3, (SELECT events_floor FROM users WHERE id = $2))) \
         AND {column} <= $4 AND type IS NOT NULL {scope}ORDER BY {column}, sequence LIMIT $5), \
         matching AS (SELECT sequence, bytes FROM seen WHERE type IN ({types})), \
         wanted AS (SELECT sequence, sum(bytes) OVER (ORDER BY sequence) - bytes AS before \
         FROM matching ORDER BY sequence LIMIT $6) \
         SELECT u.events_floor, {newest} AS newest, (SELECT max(sequence) FROM seen) AS seen, \
         (SELECT count(*) FROM seen) AS looked, (SELECT count(*) FROM matching) AS matched, e.* \
         FROM users u LEFT JOIN (SELECT events.sequence, events.owner_id, events.document_id, \
         events.operation_id, events.type AS told, events.data, events.shape, events.at \
         FROM wanted JOIN events ON events.sequence = wanted.sequence WHERE wanted.before <= $7) AS e ON TRUE \
         WHERE u.id = $2 ORDER BY e.sequence",
        types = db.dialect().texts(),
        newest = newest("$2"),
    );
    let values = [
        parameter(&types)?,
        request.owner.0.into(),
        request.after.map(|after| after.0).into(),
        id.into(),
        i64::from(window).into(),
        i64::from(request.limit).into(),
        i64::from(request.bytes).into(),
    ];
    let rows = query(db.reader(), sql, values).await?;
    let first = rows.first().ok_or(FeedError::NoOwner)?;
    let bounds = Bounds::from_query_result(first, "").map_err(DbError::from)?;
    let after = match request.after {
        Some(after) if after.0 < bounds.events_floor || after > bounds.end() => {
            return Err(FeedError::Expired);
        }
        Some(after) => after,
        None => FeedPosition(bounds.events_floor),
    };
    page(&rows, &bounds, after, window)
}

/// Reads a page. A row that can't be read is passed by.
fn page(
    rows: &[QueryResult],
    bounds: &Bounds,
    after: FeedPosition,
    window: u32,
) -> Result<FeedPage, FeedError> {
    let mut events = Vec::with_capacity(rows.len());
    let (mut found, mut last) = (0, None);
    for row in rows {
        let sequence: Option<i64> = row.try_get("", "sequence").map_err(DbError::from)?;
        if sequence.is_none() {
            break;
        }
        (found, last) = (found + 1, sequence);
        match event(row) {
            Ok(event) => events.push(event),
            Err(error) => unreadable(&error),
        }
    }
    let is_whole = found == bounds.matched;
    let is_end = is_whole && bounds.looked < i64::from(window);
    let seen = if is_whole { bounds.seen } else { last };
    // At the end of the feed of a document, later events of others were passed as well: behind them the
    // reader stays above the floor, which rises with theirs.
    let next = if is_end {
        bounds.end()
    } else {
        seen.map_or(after, FeedPosition)
    };
    Ok(FeedPage {
        events,
        next,
        is_end,
    })
}

fn event(row: &QueryResult) -> Result<FeedEvent, DbError> {
    let row = Row::from_query_result(row, "")?;
    let corrupt = |column| DbError::corrupt("events", column, row.sequence);
    let of = |id: Uuid| (id, row.owner_id);
    let shape = row.shape.as_deref();
    let document = row.document_id.zip(shape);
    let document = document.map(|(id, shape)| document_of_event(of(id), shape));
    let operation = row.operation_id.filter(|_| row.document_id.is_none());
    let operation = operation.zip(shape);
    let operation = operation.map(|(id, shape)| operation_of_event(of(id), shape));
    let number = |field: &str| row.data[field].as_u64();
    let text = |field: &str| row.data[field].as_str();
    let upload = text("upload").and_then(|id| id.parse().ok());
    let ticket = text("ticket").and_then(|id| id.parse().ok());
    Ok(FeedEvent {
        position: FeedPosition(row.sequence),
        kind: row.told.parse().map_err(|_| corrupt("type"))?,
        at: Timestamp::from_micros(row.at),
        document_id: row.document_id.map(DocumentId),
        operation_id: row.operation_id.map(OperationId),
        // The event is told without what can't be read.
        document: document.and_then(|document| document.inspect_err(unreadable).ok()),
        operation: operation.and_then(|operation| operation.inspect_err(unreadable).ok()),
        version: number("version").and_then(|number| u32::try_from(number).ok()),
        code: text("code").map(str::to_owned),
        upload: upload.map(|id| ExpiredUpload {
            id,
            name: text("name").map(str::to_owned),
            offset: number("offset").unwrap_or_default(),
            length: number("length"),
        }),
        ticket: ticket.map(|id| UsedTicket {
            id,
            uses_left: number("uses_left").unwrap_or_default(),
        }),
    })
}

/// Returns those of the events at these places that are still in the owner's feed.
pub(super) async fn events_at(
    db: &Database,
    owner: UserId,
    places: &[FeedPosition],
) -> Result<Vec<FeedEvent>, DbError> {
    let sql = format!(
        "SELECT sequence, owner_id, document_id, operation_id, type AS told, data, shape, at FROM events \
         WHERE owner_id = $1 AND type IS NOT NULL AND sequence IN ({})",
        db.dialect().integers()
    );
    let places: Vec<_> = places.iter().map(|place| place.0).collect();
    let rows = query(db.reader(), sql, [owner.0.into(), parameter(&places)?]).await?;
    Ok(readable(&rows, event))
}

/// Returns the place behind the newest event of an owner.
pub async fn feed_end(db: &Database, owner: UserId) -> Result<FeedPosition, FeedError> {
    #[derive(FromQueryResult)]
    struct End {
        events_floor: i64,
        newest: Option<i64>,
    }

    let sql = format!(
        "SELECT u.events_floor, {} AS newest FROM users u WHERE u.id = $1",
        newest("u.id")
    );
    let found: Vec<End> = query_as(db.reader(), sql, [owner.0.into()]).await?;
    let end = found.first().ok_or(FeedError::NoOwner)?;
    let newest = end.newest.unwrap_or(end.events_floor);
    Ok(FeedPosition(newest.max(end.events_floor)))
}

/// The newest event in the feed of an owner, from the end of the index of owners alone.
fn newest(owner: &str) -> String {
    format!(
        "(SELECT e.sequence FROM events e WHERE e.type IS NOT NULL AND e.owner_id <= {owner} \
         AND e.owner_id >= {owner} ORDER BY e.owner_id DESC, e.sequence DESC LIMIT 1)"
    )
}

/// Returns the newest events of owners who have any.
pub async fn feed_ends(
    db: &Database,
    owners: &[UserId],
) -> Result<Vec<(UserId, FeedPosition)>, DbError> {
    const COLUMNS: &Columns = &[("id", Kind::Uuid)];

    #[derive(FromQueryResult)]
    struct End {
        id: Uuid,
        newest: Option<i64>,
    }

    #[derive(Serialize)]
    struct Owner {
        id: UserId,
    }

    let sql = format!(
        "SELECT x.id, {} AS newest FROM {}",
        newest("x.id"),
        db.dialect().rows(COLUMNS)
    );
    let owners: Vec<_> = owners.iter().map(|id| Owner { id: *id }).collect();
    let found: Vec<End> = query_as(db.reader(), sql, [parameter(&owners)?]).await?;
    let known = |end: End| Some((UserId(end.id), FeedPosition(end.newest?)));
    Ok(found.into_iter().filter_map(known).collect())
}

/// Returns the newest event of all.
pub async fn newest_event(db: &Database) -> Result<FeedPosition, DbError> {
    #[derive(FromQueryResult)]
    struct Newest {
        sequence: Option<i64>,
    }

    let sql = "SELECT max(sequence) AS sequence FROM events";
    let found: Vec<Newest> = query_as(db.reader(), sql, []).await?;
    let newest = found.first().and_then(|row| row.sequence);
    Ok(FeedPosition(newest.unwrap_or_default()))
}
