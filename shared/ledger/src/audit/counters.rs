//! Counters that differ from the rows they count.

use sea_orm::QueryResult;
use uuid::Uuid;

use super::AuditPage;
use crate::batch::query;
use crate::tables::blobs::{delete_unreferenced, lock_blobs, recount_references};
use crate::tables::quarantine;
use crate::tables::users::{self, COUNTERS};
use crate::{Database, DbError};
use domain::{BlobId, Timestamp, UserId};

/// A user whose counters differ from their rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuotaDrift {
    /// The user.
    pub user: UserId,
    /// Used bytes, reserved bytes, documents, staged bytes, bytes of results, failed versions and
    /// discarded bytes, by the counters.
    pub counted: [i64; 7],
    /// The same, by the rows.
    pub actual: [i64; 7],
}

/// Checks `limit` users after `after`.
pub async fn quota_drift(
    db: &Database,
    after: Uuid,
    limit: u32,
) -> Result<AuditPage<QuotaDrift>, DbError> {
    let list = |write: fn(&str, &str) -> String, between: &str| {
        let written = COUNTERS.map(|(column, actual)| write(column, actual));
        written.join(between)
    };
    let counted = list(
        |column, actual| format!("u.{column}, {actual} AS actual_{column}"),
        ", ",
    );
    let differs = list(|column, _| format!("{column} <> actual_{column}"), " OR ");
    let sql = format!(
        "SELECT * FROM (SELECT u.id, {counted} FROM users u WHERE u.id > $1 AND u.id <= $2) AS c WHERE {differs}"
    );
    let row = |row: &QueryResult| -> Result<QuotaDrift, DbError> {
        let (mut counted, mut actual) = ([0; 7], [0; 7]);
        for (index, (column, _)) in COUNTERS.iter().enumerate() {
            counted[index] = row.try_get("", column)?;
            actual[index] = row.try_get("actual_", column)?;
        }
        Ok(QuotaDrift {
            user: UserId(row.try_get("", "id")?),
            counted,
            actual,
        })
    };
    page(db, "users", &sql, after, limit, row).await
}

/// Recounts a user's counters. Locks the row, so it waits for concurrent changes and they wait for
/// it.
pub async fn repair_quota_drift(db: &Database, user: UserId) -> Result<(), DbError> {
    let transaction = db.begin().await?;
    if users::lock(&transaction, user.0).await?.is_some() {
        users::recount(&transaction, user.0).await?;
    }
    transaction.commit().await?;
    Ok(())
}

/// Content whose reference count is wrong, or that has no references.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlobDrift {
    /// The content.
    pub blob: BlobId,
    /// The counted references.
    pub counted: i64,
    /// The actual references.
    pub actual: i64,
}

/// Checks `limit` blobs after `after`.
pub async fn blob_drift(
    db: &Database,
    after: Uuid,
    limit: u32,
) -> Result<AuditPage<BlobDrift>, DbError> {
    let sql = "SELECT * FROM (SELECT b.id, b.refs, \
         (SELECT count(*) FROM versions v WHERE v.blob_id = b.id) AS actual FROM blobs b \
         WHERE b.id > $1 AND b.id <= $2) AS c WHERE refs <> actual OR actual = 0";
    let row = |row: &QueryResult| -> Result<BlobDrift, DbError> {
        Ok(BlobDrift {
            blob: BlobId(row.try_get("", "id")?),
            counted: row.try_get("", "refs")?,
            actual: row.try_get("", "actual")?,
        })
    };
    page(db, "blobs", sql, after, limit, row).await
}

/// Recounts the references to content. Content without references is deleted, and its bytes are
/// quarantined.
pub async fn repair_blob_drift(db: &Database, blob: BlobId, now: Timestamp) -> Result<(), DbError> {
    let transaction = db.begin().await?;
    lock_blobs(&transaction, &[blob.0]).await?;
    recount_references(&transaction, blob.0).await?;
    for gone in delete_unreferenced(&transaction, &[blob.0]).await? {
        let object = quarantine::Model {
            url: gone.storage_url,
            size_bytes: gone.size_bytes,
            since: now.as_micros(),
        };
        quarantine::insert(&transaction, object).await?;
    }
    transaction.commit().await?;
    Ok(())
}

/// Runs a query over the page of `table` with ids between `$1` and `$2`.
pub(super) async fn page<T>(
    db: &Database,
    table: &str,
    sql: &str,
    after: Uuid,
    limit: u32,
    read: impl Fn(&QueryResult) -> Result<T, DbError>,
) -> Result<AuditPage<T>, DbError> {
    let bounds = format!("SELECT id FROM {table} WHERE id > $1 ORDER BY id LIMIT $2");
    let values = [after.into(), i64::from(limit).into()];
    let ids = query(db.reader(), bounds, values).await?;
    let Some(last) = ids.last() else {
        return Ok(AuditPage {
            found: Vec::new(),
            next: None,
        });
    };
    let last: Uuid = last.try_get_by_index(0)?;
    let found = query(db.reader(), sql, [after.into(), last.into()]).await?;
    Ok(AuditPage {
        found: found.iter().map(read).collect::<Result<_, _>>()?,
        next: Some(last),
    })
}
