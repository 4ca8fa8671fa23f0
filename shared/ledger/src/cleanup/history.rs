//! Removes old versions of documents.

use std::num::NonZeroU32;

use uuid::Uuid;

use super::log::log_removed;
use crate::batch::{parameter, query, query_column};
use crate::{Database, DbError, removal};
use domain::{AuditEntry, AuditKind, DocumentId, Timestamp};

/// The versions to be pruned.
#[derive(Clone, Copy, Debug)]
pub struct PruneRequest {
    /// The number of active versions of each document that are kept.
    pub keep: NonZeroU32,
    /// The first document to check, in the order of ids.
    pub from: DocumentId,
    /// The maximum number of documents, and of versions, in one batch.
    pub limit: u32,
}

/// The result of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pruned {
    /// The number of removed versions.
    pub versions: usize,
    /// The start of the next batch; `None` at the end.
    pub next: Option<DocumentId>,
}

/// True of a version `v` of a document `d` that is pruned: neither pending nor current, and at
/// least `{keep}` newer ones are active. Failed versions don't count.
fn is_old(keep: NonZeroU32) -> String {
    format!(
        "v.status <> 'pending' AND v.number <> COALESCE(d.version, 0) AND v.number < \
         (SELECT n.number FROM versions n WHERE n.document_id = d.id AND n.status = 'active' \
         ORDER BY n.number DESC LIMIT 1 OFFSET {})",
        keep.get() - 1
    )
}

/// Removes old versions of one batch of documents, with their bytes.
///
/// `traces` locates the bytes of a staged upload.
pub async fn prune_versions(
    db: &Database,
    request: PruneRequest,
    now: Timestamp,
    traces: impl Fn(&str) -> Vec<String> + Send,
) -> Result<Pruned, DbError> {
    let PruneRequest { keep, from, limit } = request;
    let is_old = is_old(keep);
    let candidates = format!(
        "SELECT d.id FROM documents d WHERE d.latest_version > 1 AND d.latest_version > $1 AND d.id >= $2 \
         AND EXISTS (SELECT 1 FROM versions v WHERE v.document_id = d.id AND {is_old}) ORDER BY d.id LIMIT $3"
    );
    let values = [
        i64::from(keep.get()).into(),
        from.0.into(),
        i64::from(limit).into(),
    ];
    let documents: Vec<Uuid> = query_column(db.reader(), candidates, values).await?;
    let (Some(first), Some(last)) = (documents.first(), documents.last()) else {
        return Ok(Pruned {
            versions: 0,
            next: None,
        });
    };
    let transaction = db.begin().await?;
    let wanted = db.dialect().ids();
    if db.dialect().locks_rows() {
        let lock = format!(
            "SELECT id FROM documents WHERE id IN ({wanted}) ORDER BY id FOR NO KEY UPDATE"
        );
        query(&transaction, lock, [parameter(&documents)?]).await?;
    }
    let old = format!(
        "SELECT v.id FROM versions v JOIN documents d ON d.id = v.document_id \
         WHERE d.id IN ({wanted}) AND {is_old} ORDER BY d.id, v.number LIMIT {limit}"
    );
    let (removed, mut held) =
        removal::delete_versions(&transaction, &old, parameter(&documents)?).await?;
    held.tell_of(&removed);
    held.release(&transaction, now, traces).await?;
    let of_documents = removed.iter().map(removal::RemovedVersion::of);
    let logged = log_removed(&transaction, AuditKind::VersionsPruned, of_documents, now).await?;
    transaction.commit().await?;
    logged.iter().for_each(AuditEntry::log);
    // A document may have more old versions than one batch removes. If nothing was removed, as
    // after a concurrent run, continue with the next documents.
    let next = if removed.is_empty() {
        Uuid::from_u128(last.as_u128().saturating_add(1))
    } else {
        *first
    };
    Ok(Pruned {
        versions: removed.len(),
        next: Some(DocumentId(next)),
    })
}
