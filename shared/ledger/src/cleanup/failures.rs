//! Failures that nobody looks at any more: documents of which no version ever became active, and
//! failed versions of others.

use uuid::Uuid;

use crate::batch::{parameter, query};
use crate::{Database, DbError, removal};
use domain::Timestamp;

/// Removes at most `limit` versions that failed before `before` and whose staged bytes are gone,
/// and with the last version of a document that is in `error` the document. Says how many it were.
///
/// `traces` says where the bytes of a staged upload may lie.
pub async fn forget_failures(
    db: &Database,
    before: Timestamp,
    limit: u32,
    now: Timestamp,
    traces: impl Fn(&str) -> Vec<String> + Send + Sync,
) -> Result<usize, DbError> {
    let transaction = db.begin().await?;
    let dialect = transaction.dialect();
    let due = "SELECT v.id, v.document_id FROM versions v WHERE v.status = 'error' AND v.staged_url IS NULL \
         AND v.settled_at < $1 ORDER BY v.settled_at LIMIT $2";
    let values = [before.as_micros().into(), i64::from(limit).into()];
    let (mut versions, mut documents) = (Vec::<Uuid>::new(), Vec::<Uuid>::new());
    for row in query(&transaction, due, values).await? {
        versions.push(row.try_get_by_index(0)?);
        documents.push(row.try_get_by_index(1)?);
    }
    if versions.is_empty() {
        return Ok(0);
    }
    let wanted = dialect.ids();
    if dialect.locks_rows() {
        let hold = format!(
            "SELECT id FROM documents WHERE id IN ({wanted}) ORDER BY id FOR NO KEY UPDATE"
        );
        query(&transaction, hold, [parameter(&documents)?]).await?;
    }
    // Under their documents' locks: one that was tried again meanwhile isn't over.
    let still = "v.status = 'error' AND v.staged_url IS NULL";
    let over = format!(
        "SELECT d.id FROM versions v JOIN documents d ON d.id = v.document_id AND d.latest_version = v.number \
         WHERE v.id IN ({wanted}) AND {still} AND d.status = 'error'"
    );
    let over: Vec<Uuid> = query(&transaction, over, [parameter(&versions)?])
        .await?
        .iter()
        .map(|row| row.try_get_by_index(0))
        .collect::<Result<_, _>>()?;
    let gone = removal::delete_documents(&transaction, &over).await?;
    let others = format!("SELECT v.id FROM versions v WHERE v.id IN ({wanted}) AND {still}");
    let (removed, held) =
        removal::delete_versions(&transaction, &others, parameter(&versions)?).await?;
    removal::note_removed(&transaction, &removed, now).await?;
    held.give_back(&transaction, now, &traces).await?;
    gone.give_back(&transaction, now, &traces).await?;
    transaction.commit().await?;
    Ok(over.len() + removed.len())
}
