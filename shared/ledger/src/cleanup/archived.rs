//! Archived documents whose time is over.

use uuid::Uuid;

use super::told::write_removed;
use crate::batch::query;
use crate::{Database, DbError, removal};
use domain::{AuditEntry, AuditKind, DocumentId, Timestamp, UserId};

/// Deletes at most `limit` documents that were archived before `before`, with all they hold,
/// and says how many it were. One that somebody else is changing is left for another time.
///
/// `traces` says where the bytes of a staged upload may lie.
pub async fn purge_archived(
    db: &Database,
    before: Timestamp,
    limit: u32,
    now: Timestamp,
    traces: impl Fn(&str) -> Vec<String> + Send,
) -> Result<usize, DbError> {
    let transaction = db.begin().await?;
    let lock = db.dialect().lock_free_rows("documents");
    let sql = format!(
        "SELECT id, owner_id FROM documents WHERE archived_at IS NOT NULL AND archived_at < $1 \
         ORDER BY archived_at LIMIT $2{lock}"
    );
    let values = [before.as_micros().into(), i64::from(limit).into()];
    let (mut documents, mut removed) = (Vec::<Uuid>::new(), Vec::new());
    for row in query(&transaction, sql, values).await? {
        let (id, owner) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
        documents.push(id);
        removed.push((UserId(owner), DocumentId(id)));
    }
    if documents.is_empty() {
        return Ok(0);
    }
    let held = removal::delete_documents(&transaction, &documents).await?;
    held.give_back(&transaction, now, traces).await?;
    let told = write_removed(&transaction, AuditKind::DocumentsPurged, removed, now).await?;
    transaction.commit().await?;
    told.iter().for_each(AuditEntry::log);
    Ok(documents.len())
}
