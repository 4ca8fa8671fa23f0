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

/// A user who is charged for other things than they keep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuotaDrift {
    /// The user.
    pub user: UserId,
    /// Used bytes, reserved bytes, documents, bytes in staging, bytes of results, failed versions
    /// and bytes that are to be removed, as they are counted.
    pub counted: [i64; 7],
    /// The same, as they are.
    pub actual: [i64; 7],
}

/// Looks at `limit` users behind `after`.
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

/// Counts anew what a user keeps. Whoever changes it meanwhile waits for the row, or is
/// waited for.
pub async fn repair_quota_drift(db: &Database, user: UserId) -> Result<(), DbError> {
    let transaction = db.begin().await?;
    if users::lock(&transaction, user.0).await?.is_some() {
        users::recount(&transaction, user.0).await?;
    }
    transaction.commit().await?;
    Ok(())
}

/// Content that counts other references than it has, or has none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlobDrift {
    /// The content.
    pub blob: BlobId,
    /// Its references, as they are counted.
    pub counted: i64,
    /// The same, as they are.
    pub actual: i64,
}

/// Looks at `limit` blobs behind `after`.
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

/// Counts the references to content anew. Content that has none goes, and its bytes go into
/// quarantine.
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

/// A page of a question about the rows of `table` between `$1` and `$2`.
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
