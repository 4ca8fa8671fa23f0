//! Documents that say something else than their versions.

use sea_orm::QueryResult;
use uuid::Uuid;

use super::AuditPage;
use super::counters::page;
use crate::batch::{execute, query};
use crate::documents::{Found, columns};
use crate::tables::users::{self, Charge};
use crate::{Database, DbError};
use domain::{DocumentId, ErrorCode, Failure, Timestamp};

/// How a document is astray.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Astray {
    /// The version that it shows isn't there, isn't active, or says something else.
    Shows,
    /// It is pending, and none of its versions is.
    Waits,
}

/// A document that is astray.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AstrayDocument {
    /// The document.
    pub document: DocumentId,
    /// How it is astray.
    pub astray: Astray,
}

/// A page of documents whose rows can't be read.
pub async fn unreadable_documents(
    db: &Database,
    after: Uuid,
    limit: u32,
) -> Result<AuditPage<DocumentId>, DbError> {
    let sql = format!(
        "SELECT {} FROM documents WHERE id > $1 ORDER BY id LIMIT {limit}",
        columns(db.dialect())
    );
    let rows = query(db.reader(), sql, [after.into()]).await?;
    let last = rows.last().map(|row| row.try_get("", "id"));
    Ok(AuditPage {
        found: Found::read(&rows)?.unreadable,
        next: last.transpose()?,
    })
}

/// True of a document `d` that shows something else than its version `v` with the blob `b`.
const SHOWS_WRONG: &str = "d.version IS NOT NULL AND (v.id IS NULL OR v.status <> 'active' OR b.id IS NULL \
     OR b.storage_url <> d.storage_url OR v.sha256 <> d.sha256 OR v.size_bytes <> d.size_bytes \
     OR v.mime_type <> d.mime_type)";

/// True of a document `d` that waits for nothing.
const WAITS_IN_VAIN: &str = "d.status = 'pending' AND NOT EXISTS \
     (SELECT 1 FROM versions p WHERE p.document_id = d.id AND p.status = 'pending')";

const WITH_VERSION: &str = "documents d LEFT JOIN versions v ON v.document_id = d.id AND v.number = d.version \
     LEFT JOIN blobs b ON b.id = v.blob_id";

/// Looks at `limit` documents behind `after`.
pub async fn astray_documents(
    db: &Database,
    after: Uuid,
    limit: u32,
) -> Result<AuditPage<AstrayDocument>, DbError> {
    let sql = format!(
        "SELECT d.id, d.version IS NOT NULL AS shows FROM {WITH_VERSION} \
         WHERE d.id > $1 AND d.id <= $2 AND (({SHOWS_WRONG}) OR ({WAITS_IN_VAIN}))"
    );
    let row = |row: &QueryResult| -> Result<AstrayDocument, DbError> {
        let shows: bool = row.try_get("", "shows")?;
        Ok(AstrayDocument {
            document: DocumentId(row.try_get("", "id")?),
            astray: if shows { Astray::Shows } else { Astray::Waits },
        })
    };
    page(db, "documents", &sql, after, limit, row).await
}

/// Makes a document show its newest active version. One that waits in vain ends in `error`, so
/// that its owner knows; one that has no active version to show is left as it is. Says
/// whether it is mended.
pub async fn mend_astray_document(
    db: &Database,
    document: DocumentId,
    now: Timestamp,
) -> Result<bool, DbError> {
    let transaction = db.begin().await?;
    let id = || document.0.into();
    if db.dialect().locks_rows() {
        let hold = "SELECT id FROM documents WHERE id = $1 FOR NO KEY UPDATE";
        query(&transaction, hold, [id()]).await?;
    }
    let still = format!(
        "SELECT d.owner_id FROM {WITH_VERSION} WHERE d.id = $1 AND (({SHOWS_WRONG}) OR ({WAITS_IN_VAIN}))"
    );
    let still = query(&transaction, still, [id()]).await?;
    let Some(row) = still.first() else {
        return Ok(true);
    };
    let owner: Uuid = row.try_get_by_index(0)?;
    let show = "UPDATE documents SET status = CASE documents.status WHEN 'archived' THEN 'archived' ELSE 'active' END, \
         error_code = NULL, error_detail = NULL, version = v.number, mime_type = v.mime_type, \
         type_mismatch = v.type_mismatch, declared_type = v.declared_type, size_bytes = v.size_bytes, \
         sha256 = v.sha256, storage_url = v.storage_url, revision = documents.revision + 1, updated_at = $2 \
         FROM (SELECT n.*, b.storage_url FROM versions n JOIN blobs b ON b.id = n.blob_id \
         WHERE n.document_id = $1 AND n.status = 'active' ORDER BY n.number DESC LIMIT 1) AS v \
         WHERE documents.id = $1";
    let mut mended = execute(&transaction, show, [id(), now.as_micros().into()]).await?;
    if mended == 0 {
        let failure = Failure::from(ErrorCode::Internal);
        let fail = "UPDATE documents SET status = 'error', error_code = $2, error_detail = $3, \
             revision = revision + 1, updated_at = $4 WHERE id = $1 AND status = 'pending'";
        let values = [
            id(),
            failure.code.as_str().into(),
            failure.detail.into(),
            now.as_micros().into(),
        ];
        mended = execute(&transaction, fail, values).await?;
        if mended > 0 {
            let release = Charge {
                used_documents: -1,
                ..Charge::to(owner)
            };
            users::charge(&transaction, [release]).await?;
        }
    }
    transaction.commit().await?;
    Ok(mended > 0)
}
