//! Removes old failures: documents that never had an active version, and failed versions of other
//! documents.

use sea_orm::FromQueryResult;
use uuid::Uuid;

use crate::batch::{parameter, query, query_as, query_column};
use crate::{Database, DbError, removal};
use domain::Timestamp;

/// Removes at most `limit` versions that failed before `before` and whose staged bytes are gone,
/// and each document in `error` with its last version. Returns how many were removed.
///
/// `traces` locates the bytes of a staged upload.
pub async fn forget_failures(
    db: &Database,
    before: Timestamp,
    limit: u32,
    now: Timestamp,
    traces: impl Fn(&str) -> Vec<String> + Send + Sync,
) -> Result<usize, DbError> {
    #[derive(FromQueryResult)]
    struct Due {
        id: Uuid,
        document_id: Uuid,
    }

    let transaction = db.begin().await?;
    let dialect = transaction.dialect();
    let due = "SELECT v.id, v.document_id FROM versions v WHERE v.status = 'error' AND v.staged_url IS NULL \
         AND v.settled_at < $1 ORDER BY v.settled_at LIMIT $2";
    let values = [before.as_micros().into(), i64::from(limit).into()];
    let due: Vec<Due> = query_as(&transaction, due, values).await?;
    let (versions, documents): (Vec<_>, Vec<_>) = due
        .into_iter()
        .map(|version| (version.id, version.document_id))
        .unzip();
    if versions.is_empty() {
        return Ok(0);
    }
    let wanted = dialect.ids();
    if dialect.locks_rows() {
        let lock = format!(
            "SELECT id FROM documents WHERE id IN ({wanted}) ORDER BY id FOR NO KEY UPDATE"
        );
        query(&transaction, lock, [parameter(&documents)?]).await?;
    }
    // Checked under the locks of the documents: a version may have been retried meanwhile.
    let still = "v.status = 'error' AND v.staged_url IS NULL";
    let over = format!(
        "SELECT d.id FROM versions v JOIN documents d ON d.id = v.document_id AND d.latest_version = v.number \
         WHERE v.id IN ({wanted}) AND {still} AND d.status = 'error'"
    );
    let over: Vec<Uuid> = query_column(&transaction, over, [parameter(&versions)?]).await?;
    let gone = removal::delete_documents(&transaction, &over).await?;
    let others = format!("SELECT v.id FROM versions v WHERE v.id IN ({wanted}) AND {still}");
    let (removed, mut held) =
        removal::delete_versions(&transaction, &others, parameter(&versions)?).await?;
    held.tell_of(&removed);
    held.release(&transaction, now, &traces).await?;
    gone.release(&transaction, now, &traces).await?;
    transaction.commit().await?;
    Ok(over.len() + removed.len())
}
