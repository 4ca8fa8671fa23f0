//! Deletes archived documents after their retention period.

use sea_orm::FromQueryResult;
use uuid::Uuid;

use super::log::log_removed;
use crate::batch::query_as;
use crate::{Database, DbError, removal};
use domain::{AuditEntry, AuditKind, DocumentId, Timestamp, UserId};

/// Deletes at most `limit` documents that were archived before `before`, with their versions.
/// Returns how many were deleted. Skips documents that another transaction has locked.
///
/// `traces` locates the bytes of a staged upload.
pub async fn purge_archived(
    db: &Database,
    before: Timestamp,
    limit: u32,
    now: Timestamp,
    traces: impl Fn(&str) -> Vec<String> + Send,
) -> Result<usize, DbError> {
    #[derive(FromQueryResult)]
    struct Archived {
        id: Uuid,
        owner_id: Uuid,
    }

    let transaction = db.begin().await?;
    let lock = db.dialect().lock_free_rows("documents");
    let sql = format!(
        "SELECT id, owner_id FROM documents WHERE archived_at IS NOT NULL AND archived_at < $1 \
         ORDER BY archived_at LIMIT $2{lock}"
    );
    let values = [before.as_micros().into(), i64::from(limit).into()];
    let archived: Vec<Archived> = query_as(&transaction, sql, values).await?;
    let documents: Vec<_> = archived.iter().map(|document| document.id).collect();
    if documents.is_empty() {
        return Ok(0);
    }
    let held = removal::delete_documents(&transaction, &documents).await?;
    held.release(&transaction, now, traces).await?;
    let removed = archived
        .iter()
        .map(|document| (UserId(document.owner_id), DocumentId(document.id)));
    let logged = log_removed(&transaction, AuditKind::DocumentsPurged, removed, now).await?;
    transaction.commit().await?;
    logged.iter().for_each(AuditEntry::log);
    Ok(documents.len())
}
