//! Removing events: from timelines, from feeds, and altogether.

use std::ops::RangeInclusive;

use sea_orm::FromQueryResult;
use serde::Serialize;
use uuid::Uuid;

use crate::batch::{Columns, Kind, execute, parameter, query_as};
use crate::{DatabaseTransaction, DbError};
use domain::{DocumentId, UserId};

/// A document with the oldest of its events that are kept.
#[derive(Debug, Serialize)]
pub struct KeptEvents {
    pub document_id: Uuid,
    pub oldest: i64,
}

/// An event that was removed.
#[derive(Debug, FromQueryResult)]
pub struct Removed {
    pub owner_id: Uuid,
    pub sequence: i64,
    /// Whether it was in the feed.
    pub told: bool,
}

/// Deletes at most `limit` events that are older than those that are kept. Returns them.
pub async fn delete_older(
    transaction: &DatabaseTransaction,
    kept: &[KeptEvents],
    limit: u32,
) -> Result<Vec<Removed>, DbError> {
    const COLUMNS: &Columns = &[("document_id", Kind::Uuid), ("oldest", Kind::Integer)];
    let sql = format!(
        "DELETE FROM events WHERE sequence IN (SELECT e.sequence FROM {} JOIN events e \
         ON e.document_id = x.document_id AND e.sequence < x.oldest LIMIT {limit}) \
         RETURNING owner_id, sequence, type IS NOT NULL AS told",
        transaction.dialect().rows(COLUMNS),
    );
    query_as(transaction, sql, [parameter(kept)?]).await
}

/// The newest event of a feed, by its owner.
#[derive(Debug, FromQueryResult)]
pub struct Newest {
    pub owner_id: Uuid,
    pub sequence: i64,
}

/// The newest events in feeds among those in a range, by owner.
pub async fn newest_told(
    transaction: &DatabaseTransaction,
    range: &RangeInclusive<i64>,
) -> Result<Vec<(Uuid, i64)>, DbError> {
    let sql = "SELECT owner_id, max(sequence) AS sequence FROM events \
         WHERE sequence >= $1 AND sequence <= $2 AND type IS NOT NULL GROUP BY owner_id";
    let values = [(*range.start()).into(), (*range.end()).into()];
    let newest: Vec<Newest> = query_as(transaction, sql, values).await?;
    let newest = newest.into_iter();
    Ok(newest.map(|one| (one.owner_id, one.sequence)).collect())
}

/// Removes the events of a range from feeds: what is in the timeline of a document stays there,
/// everything else is deleted.
pub async fn remove_from_feed(
    transaction: &DatabaseTransaction,
    range: &RangeInclusive<i64>,
) -> Result<(), DbError> {
    let values = || [(*range.start()).into(), (*range.end()).into()];
    let unread = "DELETE FROM events WHERE sequence >= $1 AND sequence <= $2 AND (kind IS NULL \
         OR NOT EXISTS (SELECT 1 FROM documents WHERE documents.id = events.document_id))";
    execute(transaction, unread, values()).await?;
    let told = "UPDATE events SET type = NULL, shape = NULL \
         WHERE sequence >= $1 AND sequence <= $2 AND type IS NOT NULL";
    execute(transaction, told, values()).await?;
    Ok(())
}

/// Deletes what is only in the timelines of documents that were deleted, among events up to a place:
/// a document has few there. `remove_from_feed` deletes the others.
pub async fn forget_timelines(
    transaction: &DatabaseTransaction,
    documents: &[Uuid],
    last: i64,
) -> Result<(), DbError> {
    let sql = format!(
        "DELETE FROM events WHERE {} AND type IS NULL AND sequence <= $2",
        transaction.dialect().is_one_of("document_id")
    );
    execute(transaction, sql, [parameter(documents)?, last.into()]).await?;
    Ok(())
}

/// Deletes at most `limit` events of the feed of a user who is removed, and returns how many.
pub async fn delete_of_owner(
    transaction: &DatabaseTransaction,
    owner: UserId,
    limit: i64,
) -> Result<u64, DbError> {
    let sql = "DELETE FROM events WHERE sequence IN (SELECT sequence FROM events \
         WHERE owner_id = $1 AND type IS NOT NULL LIMIT $2)";
    execute(transaction, sql, [owner.0.into(), limit.into()]).await
}

/// Deletes the events of a document that this transaction has created, and takes back.
pub async fn delete_of_document(
    transaction: &DatabaseTransaction,
    id: DocumentId,
) -> Result<(), DbError> {
    let sql = "DELETE FROM events WHERE document_id = $1";
    execute(transaction, sql, [id.0.into()]).await?;
    Ok(())
}
