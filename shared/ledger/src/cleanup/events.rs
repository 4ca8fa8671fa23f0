//! Events that a timeline doesn't need any more. Each event is passed twice, when it is there and
//! when it is old, and its document keeps a bounded number: so what has to be looked at grows
//! with what happens, not with what is kept.

use sea_orm::FromQueryResult;
use uuid::Uuid;

use crate::batch::{parameter, query_as};
use crate::tables::cleanup_positions;
use crate::tables::events::{KeptEvents, delete_older};
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

/// Goes one batch further, removes at most `limit` events. Returns whether it has reached the end.
pub async fn trim_events(db: &Database, walk: EventWalk, limit: u32) -> Result<bool, DbError> {
    #[derive(FromQueryResult)]
    struct Next {
        sequence: i64,
        document_id: Uuid,
    }

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
    let found: Vec<Next> = query_as(&transaction, sql, values).await?;
    let Some(last) = found.last() else {
        return Ok(true);
    };
    let mut documents: Vec<_> = found.iter().map(|event| event.document_id).collect();
    documents.sort_unstable();
    documents.dedup();
    let removed = trim(&transaction, &documents, &walk, limit).await?;
    let is_full = removed >= u64::from(limit);
    // With as many as may go at once, there may be more of the same documents.
    if !is_full {
        cleanup_positions::update(&transaction, walk.name, last.sequence).await?;
    }
    transaction.commit().await?;
    Ok(!is_full && found.len() < limit as usize)
}

/// Removes what the documents have too much.
async fn trim(
    transaction: &DatabaseTransaction,
    documents: &[Uuid],
    walk: &EventWalk,
    limit: u32,
) -> Result<u64, DbError> {
    #[derive(FromQueryResult)]
    struct Oldest {
        id: Uuid,
        kept: Option<i64>,
    }

    let sql = format!(
        "SELECT d.id, (SELECT e.sequence FROM events e WHERE e.document_id = d.id \
         ORDER BY e.sequence DESC LIMIT 1 OFFSET {}) AS kept FROM documents d WHERE d.id IN ({})",
        walk.keep - 1,
        transaction.dialect().ids(),
    );
    let oldest: Vec<Oldest> = query_as(transaction, sql, [parameter(documents)?]).await?;
    let kept = oldest.into_iter().filter_map(|document| {
        Some(KeptEvents {
            document_id: document.id,
            oldest: document.kept?,
        })
    });
    let kept: Vec<_> = kept.collect();
    if kept.is_empty() {
        return Ok(0);
    }
    delete_older(transaction, &kept, walk.until, limit).await
}
