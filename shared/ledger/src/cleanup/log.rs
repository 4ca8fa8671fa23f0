//! Records removals of users' data by the cleanup in the security log: one entry for each owner and
//! minute, however many batches there are, written by the transaction that removes.

use std::collections::BTreeMap;

use crate::{DatabaseTransaction, DbError, write_audit_log};
use domain::{AuditEntry, AuditEvent, AuditKind, AuditOrigin, DocumentId, Timestamp, UserId};

/// The number of documents of a batch that are named; all are counted.
const MOST_NAMED: usize = 100;

/// Records what was removed, by owner and document. Returns the entries, which the process logs
/// once the removal is committed.
pub(super) async fn log_removed(
    transaction: &DatabaseTransaction,
    kind: AuditKind,
    removed: impl IntoIterator<Item = (UserId, DocumentId)>,
    now: Timestamp,
) -> Result<Vec<AuditEntry>, DbError> {
    let mut owners: BTreeMap<UserId, Vec<DocumentId>> = BTreeMap::new();
    for (owner, document) in removed {
        owners.entry(owner).or_default().push(document);
    }
    let entry = |(owner, mut documents): (UserId, Vec<DocumentId>)| {
        let count = documents.len() as u64;
        documents.sort_unstable();
        documents.dedup();
        documents.truncate(MOST_NAMED);
        let event = AuditEvent::of_documents(kind, owner, documents);
        AuditEntry {
            count,
            ..AuditEntry::counted(AuditOrigin::SERVICE, event, now)
        }
    };
    let mut entries: Vec<_> = owners.into_iter().map(entry).collect();
    // Other transactions may write the same rows: one order prevents deadlocks.
    entries.sort_unstable_by_key(|entry| entry.id);
    write_audit_log(transaction, &entries).await?;
    Ok(entries)
}
