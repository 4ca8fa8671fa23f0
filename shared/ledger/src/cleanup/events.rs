//! Removes old events of timelines and feeds. Each event is visited twice, when it is new and when it is old,
//! and a document keeps a bounded number of them: so the cost grows with the load, not with the
//! events that are kept.

use std::collections::BTreeMap;

use sea_orm::FromQueryResult;
use uuid::Uuid;

use crate::batch::{parameter, query_as};
use crate::tables::cleanup_positions;
use crate::tables::events::{KeptEvents, Removed, delete_older, newest_told, remove_from_feed};
use crate::tables::users::{EventFloor, raise_event_floors};
use crate::{Database, DatabaseTransaction, DbError};
use domain::Timestamp;

/// A walk along all events in their order, which continues from a stored position.
#[derive(Clone, Copy, Debug)]
pub struct EventWalk {
    /// The key of its position.
    name: &'static str,
    /// It visits events before this time.
    until: Timestamp,
    /// The newest events of each document that are kept.
    keep: i64,
    /// Whether the events that it visits leave the feeds.
    ends_feed: bool,
}

impl EventWalk {
    /// The maximum number of events of a document, whatever their age: a document may be archived
    /// and restored any number of times.
    pub const MOST: i64 = 1_000;

    /// The number of old events of a document that are kept: they tell how it came about.
    pub const KEPT: i64 = 20;

    /// Limits each document to [`Self::MOST`] events, among those before `until`.
    #[must_use]
    pub const fn of_new(until: Timestamp) -> Self {
        Self {
            name: "new_events",
            until,
            keep: Self::MOST,
            ends_feed: false,
        }
    }

    /// Limits each document to [`Self::KEPT`] events, among those before `until`, and removes these
    /// from feeds.
    #[must_use]
    pub const fn of_old(until: Timestamp) -> Self {
        Self {
            name: "old_events",
            until,
            keep: Self::KEPT,
            ends_feed: true,
        }
    }
}

/// Advances by one batch and removes at most `limit` events. Returns whether the end was reached.
pub async fn trim_events(db: &Database, walk: EventWalk, limit: u32) -> Result<bool, DbError> {
    #[derive(FromQueryResult)]
    struct Next {
        sequence: i64,
        document_id: Option<Uuid>,
    }

    let transaction = db.begin().await?;
    // Serializes walks of the same name.
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
    let mut documents: Vec<_> = found.iter().filter_map(|event| event.document_id).collect();
    documents.sort_unstable();
    documents.dedup();
    let mut floors = Floors::default();
    let removed = trim(&transaction, &documents, &walk, limit).await?;
    floors.raise(
        removed
            .iter()
            .filter(|one| one.told)
            .map(|one| (one.owner_id, one.sequence)),
    );
    if walk.ends_feed {
        let range = position.saturating_add(1)..=last.sequence;
        floors.raise(newest_told(&transaction, &range).await?);
        remove_from_feed(&transaction, &range).await?;
    }
    let is_full = removed.len() >= limit as usize;
    // If the limit was reached, the same documents may have more events to remove.
    if !is_full {
        cleanup_positions::update(&transaction, walk.name, last.sequence).await?;
    }
    raise_event_floors(&transaction, &floors.list()).await?;
    transaction.commit().await?;
    Ok(!is_full && found.len() < limit as usize)
}

/// The newest events that leave feeds, by owner.
#[derive(Debug, Default)]
struct Floors(BTreeMap<Uuid, i64>);

impl Floors {
    fn raise(&mut self, removed: impl IntoIterator<Item = (Uuid, i64)>) {
        for (owner, sequence) in removed {
            let floor = self.0.entry(owner).or_default();
            *floor = (*floor).max(sequence);
        }
    }

    fn list(self) -> Vec<EventFloor> {
        let floors = self.0.into_iter();
        let floor = |(owner_id, floor)| EventFloor { owner_id, floor };
        floors.map(floor).collect()
    }
}

/// Removes the surplus events of the documents.
async fn trim(
    transaction: &DatabaseTransaction,
    documents: &[Uuid],
    walk: &EventWalk,
    limit: u32,
) -> Result<Vec<Removed>, DbError> {
    #[derive(FromQueryResult)]
    struct Oldest {
        id: Uuid,
        kept: Option<i64>,
    }

    let sql = format!(
        "SELECT d.id, (SELECT e.sequence FROM events e WHERE e.document_id = d.id AND e.kind IS NOT NULL \
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
        return Ok(Vec::new());
    }
    delete_older(transaction, &kept, walk.until, limit).await
}
