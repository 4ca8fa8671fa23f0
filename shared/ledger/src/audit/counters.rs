//! Counters that differ from the rows they count.

use sea_orm::{QueryResult, Value};
use uuid::Uuid;

use super::AuditPage;
use crate::batch::{execute, query};
use crate::{Database, DbError};
use domain::{BlobId, Timestamp, UserId};

/// What a user's counters have to be, as SQL over the user `u`. Versions are found by way of
/// their documents, which have an index on their owners.
const USED: &str = "(SELECT CAST(COALESCE(sum(v.size_bytes), 0) AS bigint) FROM documents d JOIN versions v \
     ON v.document_id = d.id WHERE d.owner_id = u.id AND v.status = 'active')";
const RESERVED: &str = "(SELECT CAST(COALESCE(sum(v.size_bytes), 0) AS bigint) FROM documents d JOIN versions v \
     ON v.document_id = d.id WHERE d.owner_id = u.id AND v.status = 'pending') \
     + (SELECT CAST(COALESCE(sum(o.held_bytes), 0) AS bigint) FROM operations o \
     WHERE o.owner_id = u.id AND o.action = 'import')";
const DOCUMENTS: &str =
    "(SELECT count(*) FROM documents d WHERE d.owner_id = u.id AND d.status <> 'error')";

const STAGING: &str = "(SELECT CAST(COALESCE(sum(v.size_bytes), 0) AS bigint) FROM documents d JOIN versions v \
     ON v.document_id = d.id WHERE d.owner_id = u.id AND v.status = 'error' AND v.staged_url IS NOT NULL) \
     + (SELECT CAST(COALESCE(sum(o.source_size), 0) AS bigint) FROM operations o \
     WHERE o.owner_id = u.id AND o.source_url IS NOT NULL)";
const RESULTS: &str = "(SELECT CAST(COALESCE(sum(COALESCE(o.result_size, 0) + o.held_bytes), 0) AS bigint) \
     FROM operations o WHERE o.owner_id = u.id AND o.action = 'export')";
const FAILED: &str = "(SELECT count(*) FROM documents d JOIN versions v ON v.document_id = d.id \
     WHERE d.owner_id = u.id AND v.status = 'error')";

const DISCARDED: &str = "(SELECT CAST(COALESCE(sum(x.charged_bytes), 0) AS bigint) FROM discards x \
     WHERE x.owner_id = u.id)";

/// The counters of a user: their columns, and what each has to be.
const COUNTERS: [(&str, &str); 7] = [
    ("used_bytes", USED),
    ("reserved_bytes", RESERVED),
    ("used_documents", DOCUMENTS),
    ("staging_bytes", STAGING),
    ("result_bytes", RESULTS),
    ("failed_versions", FAILED),
    ("discarded_bytes", DISCARDED),
];

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
pub async fn mend_quota_drift(db: &Database, user: UserId) -> Result<(), DbError> {
    let transaction = db.begin().await?;
    if db.dialect().locks_rows() {
        let hold = "SELECT id FROM users WHERE id = $1 FOR NO KEY UPDATE";
        query(&transaction, hold, [user.0.into()]).await?;
    }
    let anew = COUNTERS.map(|(column, actual)| format!("{column} = {actual}"));
    let sql = format!("UPDATE users AS u SET {} WHERE u.id = $1", anew.join(", "));
    execute(&transaction, sql, [user.0.into()]).await?;
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
pub async fn mend_blob_drift(db: &Database, blob: BlobId, now: Timestamp) -> Result<(), DbError> {
    let transaction = db.begin().await?;
    if db.dialect().locks_rows() {
        let hold = "SELECT id FROM blobs WHERE id = $1 FOR UPDATE";
        query(&transaction, hold, [blob.0.into()]).await?;
    }
    let count = "UPDATE blobs SET refs = (SELECT count(*) FROM versions v WHERE v.blob_id = blobs.id) \
         WHERE id = $1";
    execute(&transaction, count, [blob.0.into()]).await?;
    let gone = "DELETE FROM blobs WHERE id = $1 AND refs = 0 RETURNING storage_url, size_bytes";
    for row in query(&transaction, gone, [blob.0.into()]).await? {
        let (url, size): (String, i64) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
        let keep = "INSERT INTO quarantine (url, size_bytes, since) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
        let values: [Value; 3] = [url.into(), size.into(), now.as_micros().into()];
        execute(&transaction, keep, values).await?;
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
