//! Events that a timeline doesn't need any more. Each event is passed twice, when it is there and
//! when it is old, and its document keeps a bounded number: so what has to be looked at grows
//! with what happens, not with what is kept.

use serde::Serialize;
use uuid::Uuid;

use crate::batch::{Columns, Kind, execute, parameter, query};
use crate::tables::cleanup_positions;
use crate::{Database, DatabaseTransaction, DbError};
use domain::Timestamp;

/// A walk along all events, in their order.
#[derive(Clone, Copy, Debug)]
pub struct EventWalk {
    /// Where its position is kept.
    name: &'static str,
    /// It passes those that happened before.
    until: Timestamp,
    /// How many of a document are kept at least, the newest ones.
    keep: i64,
}

impl EventWalk {
    /// How many events a document has at most, whatever their age: an object that is archived and
    /// restored without end has a timeline all the same.
    pub const MOST: i64 = 1_000;

    /// How many of a document are kept when they are old: what it is and how it came to be that.
    pub const KEPT: i64 = 20;

    /// Holds each document to [`Self::MOST`], by what happened before `until`.
    #[must_use]
    pub const fn of_new(until: Timestamp) -> Self {
        Self {
            name: "new_events",
            until,
            keep: Self::MOST,
        }
    }

    /// Holds each document to [`Self::KEPT`], as far as its events happened before `until`.
    #[must_use]
    pub const fn of_old(until: Timestamp) -> Self {
        Self {
            name: "old_events",
            until,
            keep: Self::KEPT,
        }
    }
}

/// Goes one batch further, removes at most `limit` events, and says whether it has come to the end.
pub async fn trim_events(db: &Database, walk: EventWalk, limit: u32) -> Result<bool, DbError> {
    let transaction = db.begin().await?;
    // Two walks of the same name follow each other.
    let position = cleanup_positions::lock(&transaction, walk.name).await?;
    let sql = "SELECT sequence, document_id FROM (SELECT sequence, document_id, at FROM events \
         WHERE sequence > $1 ORDER BY sequence LIMIT $2) AS next WHERE at < $3 ORDER BY sequence";
    let values = [
        position.into(),
        i64::from(limit).into(),
        walk.until.as_micros().into(),
    ];
    let (mut documents, mut last) = (Vec::<Uuid>::new(), None);
    let found = query(&transaction, sql, values).await?;
    for row in &found {
        last = Some(row.try_get_by_index::<i64>(0)?);
        documents.push(row.try_get_by_index(1)?);
    }
    let Some(last) = last else {
        return Ok(true);
    };
    documents.sort_unstable();
    documents.dedup();
    let removed = trim(&transaction, &documents, &walk, limit).await?;
    let is_full = removed >= u64::from(limit);
    // With as many as may go at once, there may be more of the same documents.
    if !is_full {
        cleanup_positions::update(&transaction, walk.name, last).await?;
    }
    transaction.commit().await?;
    Ok(!is_full && found.len() < limit as usize)
}

#[derive(Serialize)]
struct Excess {
    document_id: Uuid,
    /// The oldest event that is kept.
    kept: i64,
}

/// Removes what the documents have too much.
async fn trim(
    transaction: &DatabaseTransaction,
    documents: &[Uuid],
    walk: &EventWalk,
    limit: u32,
) -> Result<u64, DbError> {
    const COLUMNS: &Columns = &[("document_id", Kind::Uuid), ("kept", Kind::Integer)];
    let dialect = transaction.dialect();
    let sql = format!(
        "SELECT d.id, (SELECT e.sequence FROM events e WHERE e.document_id = d.id \
         ORDER BY e.sequence DESC LIMIT 1 OFFSET {}) AS kept FROM documents d WHERE d.id IN ({})",
        walk.keep - 1,
        dialect.ids(),
    );
    let mut excess = Vec::new();
    for row in query(transaction, sql, [parameter(documents)?]).await? {
        if let Some(kept) = row.try_get_by_index(1)? {
            let document_id = row.try_get_by_index(0)?;
            excess.push(Excess { document_id, kept });
        }
    }
    if excess.is_empty() {
        return Ok(0);
    }
    let sql = format!(
        "DELETE FROM events WHERE sequence IN (SELECT e.sequence FROM {} JOIN events e \
         ON e.document_id = x.document_id AND e.sequence < x.kept WHERE e.at < $2 LIMIT {limit})",
        dialect.rows(COLUMNS),
    );
    let values = [parameter(&excess)?, walk.until.as_micros().into()];
    execute(transaction, sql, values).await
}
