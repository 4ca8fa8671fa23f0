//! Lines of the security log about what the cleanup removes of users: one for each owner and
//! minute, however many chunks that are, written by the transaction that removes.

use std::collections::BTreeMap;

use crate::{DatabaseTransaction, DbError, write_audit_log};
use domain::{AuditEntry, AuditEvent, AuditKind, AuditOrigin, DocumentId, Timestamp, UserId};

/// How many documents of a chunk are named; all of them are counted.
const MOST_NAMED: usize = 100;

/// Writes what was removed, by owner and document. Returns what the process logs once the removal
/// is committed.
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
    // Others may write the same rows: in one order nobody waits in a circle.
    entries.sort_unstable_by_key(|entry| entry.id);
    write_audit_log(transaction, &entries).await?;
    Ok(entries)
}
