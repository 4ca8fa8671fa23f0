//! Documents that are inconsistent with their versions.

use sea_orm::QueryResult;
use uuid::Uuid;

use super::AuditPage;
use super::counters::page;
use crate::batch::query;
use crate::tables::blobs;
use crate::tables::documents::{
    FailedDocument, Found, columns, fail_documents, show_newest_active,
};
use crate::tables::users::{self, Charge};
use crate::{Database, DbError};
use domain::{DocumentId, ErrorCode, Failure, Timestamp};

/// How a document is inconsistent with its versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inconsistency {
    /// Its current version doesn't exist, isn't active, or has other values.
    WrongVersion,
    /// It is pending, and none of its versions is.
    NothingPending,
}

/// A document that is inconsistent with its versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InconsistentDocument {
    /// The document.
    pub document: DocumentId,
    /// The inconsistency.
    pub inconsistency: Inconsistency,
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

/// True of a document `d` with other values than its version `v` with the blob `b`.
const SHOWS_WRONG_VERSION: &str = "d.version IS NOT NULL AND (v.id IS NULL OR v.status <> 'active' OR b.id IS NULL \
     OR b.storage_url <> d.storage_url OR v.sha256 <> d.sha256 OR v.size_bytes <> d.size_bytes \
     OR v.mime_type <> d.mime_type)";

/// True of a pending document `d` without a pending version.
const HAS_NOTHING_PENDING: &str = "d.status = 'pending' AND NOT EXISTS \
     (SELECT 1 FROM versions p WHERE p.document_id = d.id AND p.status = 'pending')";

const WITH_VERSION: &str = "documents d LEFT JOIN versions v ON v.document_id = d.id AND v.number = d.version \
     LEFT JOIN blobs b ON b.id = v.blob_id";

/// Checks `limit` documents after `after`.
pub async fn inconsistent_documents(
    db: &Database,
    after: Uuid,
    limit: u32,
) -> Result<AuditPage<InconsistentDocument>, DbError> {
    let sql = format!(
        "SELECT d.id, d.version IS NOT NULL AS shows FROM {WITH_VERSION} \
         WHERE d.id > $1 AND d.id <= $2 AND (({SHOWS_WRONG_VERSION}) OR ({HAS_NOTHING_PENDING}))"
    );
    let row = |row: &QueryResult| -> Result<InconsistentDocument, DbError> {
        let shows: bool = row.try_get("", "shows")?;
        Ok(InconsistentDocument {
            document: DocumentId(row.try_get("", "id")?),
            inconsistency: if shows {
                Inconsistency::WrongVersion
            } else {
                Inconsistency::NothingPending
            },
        })
    };
    page(db, "documents", &sql, after, limit, row).await
}

/// Makes the newest active version the current one. A document without a pending version ends in
/// `error`, so that its owner knows; one without an active version is left unchanged. Returns
/// whether it was repaired.
pub async fn repair_document(
    db: &Database,
    document: DocumentId,
    now: Timestamp,
) -> Result<bool, DbError> {
    let transaction = db.begin().await?;
    let id = || document.0.into();
    if db.dialect().locks_rows() {
        let lock = "SELECT id FROM documents WHERE id = $1 FOR NO KEY UPDATE";
        query(&transaction, lock, [id()]).await?;
    }
    blobs::share_of_document(&transaction, document).await?;
    let still = format!(
        "SELECT d.owner_id FROM {WITH_VERSION} WHERE d.id = $1 AND (({SHOWS_WRONG_VERSION}) OR ({HAS_NOTHING_PENDING}))"
    );
    let still = query(&transaction, still, [id()]).await?;
    let Some(row) = still.first() else {
        return Ok(true);
    };
    let owner: Uuid = row.try_get_by_index(0)?;
    let mut is_repaired = show_newest_active(&transaction, document, now).await?;
    if !is_repaired {
        let failure = Failure::from(ErrorCode::Internal);
        let failed = FailedDocument {
            id: document,
            error_code: failure.code,
            error_detail: &failure.detail,
        };
        let failed: Vec<Uuid> = fail_documents(&transaction, &[failed], now).await?;
        is_repaired = !failed.is_empty();
        if is_repaired {
            let release = Charge {
                used_documents: -1,
                ..Charge::to(owner)
            };
            users::charge(&transaction, [release]).await?;
        }
    }
    transaction.commit().await?;
    Ok(is_repaired)
}
