//! Removes old events of timelines and feeds. Each event is visited once, when it is old: so the cost
//! grows with the load, not with the events that are kept.
//!
//! Until then it stays, whatever it belongs to: whoever reads a feed misses nothing. What bounds the
//! young events of an owner is the rate of their requests (`DOSSIER_RATE_LIMIT`) over
//! `DOSSIER_KEEP_EVENTS`: a request makes a fixed number of events, an operation one for each of its
//! items (`DOSSIER_MAX_OPERATION_ITEMS`), an accepted version one for each attempt. A document with
//! very many of them is no harder to read or to clean up than many documents: nothing looks at more
//! than a bounded number of the events of one.

use std::collections::BTreeMap;

use sea_orm::FromQueryResult;
use uuid::Uuid;

use crate::batch::{parameter, query_as};
use crate::tables::cleanup_positions::{self, OLD_EVENTS};
use crate::tables::events::{KeptEvents, Removed, delete_older, newest_told, remove_from_feed};
use crate::tables::users::{EventFloor, raise_event_floors};
use crate::{Database, DatabaseTransaction, DbError};
use domain::Timestamp;

/// The number of old events of a document that are kept: they tell how it came about.
const KEPT: i64 = 20;

/// Advances by one batch of events before `until`: they leave the feeds, and each of their documents
/// keeps its newest ones. Removes at most `limit` surplus events. Returns whether the end was reached.
pub async fn trim_events(db: &Database, until: Timestamp, limit: u32) -> Result<bool, DbError> {
    #[derive(FromQueryResult)]
    struct Next {
        sequence: i64,
        document_id: Option<Uuid>,
    }

    let transaction = db.begin().await?;
    // Serializes walks.
    let position = cleanup_positions::lock(&transaction, OLD_EVENTS).await?;
    let sql = "SELECT sequence, document_id FROM (SELECT sequence, document_id, at FROM events \
         WHERE sequence > $1 ORDER BY sequence LIMIT $2) AS next WHERE at < $3 ORDER BY sequence";
    let values = [
        position.into(),
        i64::from(limit).into(),
        until.as_micros().into(),
    ];
    let found: Vec<Next> = query_as(&transaction, sql, values).await?;
    let Some(last) = found.last() else {
        return Ok(true);
    };
    let mut documents: Vec<_> = found.iter().filter_map(|event| event.document_id).collect();
    documents.sort_unstable();
    documents.dedup();
    let range = position.saturating_add(1)..=last.sequence;
    let removed = trim(&transaction, &documents, last.sequence, limit).await?;
    let mut floors = Floors::default();
    floors.raise(
        removed
            .iter()
            .filter(|one| one.told)
            .map(|one| (one.owner_id, one.sequence)),
    );
    floors.raise(newest_told(&transaction, &range).await?);
    remove_from_feed(&transaction, &range).await?;
    let is_full = removed.len() >= limit as usize;
    // If the limit was reached, the same documents may have more events to remove.
    if !is_full {
        cleanup_positions::update(&transaction, OLD_EVENTS, last.sequence).await?;
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

/// Removes the surplus events of the documents, up to the last one that is visited: later ones are
/// young, and not looked at.
async fn trim(
    transaction: &DatabaseTransaction,
    documents: &[Uuid],
    last: i64,
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
        KEPT - 1,
        transaction.dialect().ids(),
    );
    let oldest: Vec<Oldest> = query_as(transaction, sql, [parameter(documents)?]).await?;
    let kept = oldest.into_iter().filter_map(|document| {
        Some(KeptEvents {
            document_id: document.id,
            oldest: document.kept?.min(last.saturating_add(1)),
        })
    });
    let kept: Vec<_> = kept.collect();
    if kept.is_empty() {
        return Ok(Vec::new());
    }
    delete_older(transaction, &kept, limit).await
}
