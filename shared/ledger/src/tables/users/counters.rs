//! The definitions of the counters of users, which the audit compares and recounts.

use uuid::Uuid;

use crate::batch::execute;
use crate::{DatabaseTransaction, DbError};

/// The correct values of a user's counters, as SQL over the user `u`. Versions are found through
/// their documents, which have an index on their owners.
const USED: &str = "(SELECT CAST(COALESCE(sum(v.size_bytes), 0) AS bigint) FROM documents d JOIN versions v \
     ON v.document_id = d.id WHERE d.owner_id = u.id AND v.status = 'active')";
const RESERVED: &str = "(SELECT CAST(COALESCE(sum(v.size_bytes), 0) AS bigint) FROM documents d JOIN versions v \
     ON v.document_id = d.id WHERE d.owner_id = u.id AND v.status = 'pending') \
     + (SELECT CAST(COALESCE(sum(o.held_bytes), 0) AS bigint) FROM operations o \
     WHERE o.owner_id = u.id AND o.action = 'import') \
     + (SELECT CAST(COALESCE(sum(r.reserved_bytes), 0) AS bigint) FROM uploads r WHERE r.owner_id = u.id) \
     + (SELECT CAST(COALESCE(sum(k.reserved_bytes), 0) AS bigint) FROM tickets k WHERE k.owner_id = u.id)";
const DOCUMENTS: &str = "(SELECT count(*) FROM documents d WHERE d.owner_id = u.id AND d.status <> 'error') \
     + (SELECT CAST(COALESCE(sum(r.reserved_documents), 0) AS bigint) FROM uploads r WHERE r.owner_id = u.id)";

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

/// The counters of a user: their columns, and the correct value of each.
pub const COUNTERS: [(&str, &str); 7] = [
    ("used_bytes", USED),
    ("reserved_bytes", RESERVED),
    ("used_documents", DOCUMENTS),
    ("staging_bytes", STAGING),
    ("result_bytes", RESULTS),
    ("failed_versions", FAILED),
    ("discarded_bytes", DISCARDED),
];

/// Recounts a user's counters. The caller has locked the row.
pub async fn recount(transaction: &DatabaseTransaction, id: Uuid) -> Result<(), DbError> {
    let assignments = COUNTERS.map(|(column, actual)| format!("{column} = {actual}"));
    let sql = format!(
        "UPDATE users AS u SET {} WHERE u.id = $1",
        assignments.join(", ")
    );
    execute(transaction, sql, [id.into()]).await?;
    Ok(())
}
