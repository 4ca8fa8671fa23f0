//! Discards staged bytes of failed versions that were not retried in time, or that can't be retried
//! because another version came after them.

use sea_orm::FromQueryResult;
use uuid::Uuid;

use crate::batch::{parameter, query, query_as, query_column};
use crate::discards::Discard;
use crate::tables::users::Charges;
use crate::tables::versions::forget_staged_bytes;
use crate::{Database, DbError, discards};
use domain::Timestamp;

/// A failed version whose bytes are discarded.
#[derive(FromQueryResult)]
struct Expired {
    id: Uuid,
    staged_url: String,
    owner_id: Uuid,
    size_bytes: i64,
}

/// Discards the staged bytes of at most `limit` versions that failed before `before`, or that are
/// no longer the latest of their documents. Returns how many were discarded. The versions keep
/// their errors and can't be retried.
///
/// Locks the documents first, as a retry does, so that each sees the changes of the other.
///
/// `traces` locates the bytes of a staged upload.
pub async fn expire_failed(
    db: &Database,
    before: Timestamp,
    limit: u32,
    now: Timestamp,
    traces: impl Fn(&str) -> Vec<String> + Send,
) -> Result<usize, DbError> {
    const EXPIRED: &str = "v.status = 'error' AND v.staged_url IS NOT NULL \
         AND (v.settled_at < $2 OR v.number < d.latest_version)";
    let transaction = db.begin().await?;
    let candidates = "SELECT id FROM versions WHERE status = 'error' AND staged_url IS NOT NULL \
         AND settled_at < $1 ORDER BY settled_at LIMIT $2";
    let values = [before.as_micros().into(), i64::from(limit).into()];
    let mut candidates: Vec<Uuid> = query_column(&transaction, candidates, values).await?;
    if candidates.len() < limit as usize {
        let outdated = "SELECT v.id FROM versions v JOIN documents d ON d.id = v.document_id \
             WHERE v.status = 'error' AND v.staged_url IS NOT NULL AND v.settled_at >= $1 \
             AND v.number < d.latest_version ORDER BY v.settled_at LIMIT $2";
        let rest = i64::from(limit).saturating_sub_unsigned(candidates.len() as u64);
        let values = [before.as_micros().into(), rest.into()];
        let outdated: Vec<Uuid> = query_column(&transaction, outdated, values).await?;
        candidates.extend(outdated);
    }
    if candidates.is_empty() {
        return Ok(0);
    }
    let wanted = db.dialect().ids();
    let candidates = parameter(&candidates)?;
    if db.dialect().locks_rows() {
        let lock = format!(
            "SELECT d.id FROM documents d WHERE d.id IN \
             (SELECT v.document_id FROM versions v WHERE v.id IN ({wanted})) ORDER BY d.id FOR NO KEY UPDATE"
        );
        query(&transaction, lock, [candidates.clone()]).await?;
    }
    let staged = format!(
        "SELECT v.id, v.staged_url, v.owner_id, v.size_bytes FROM versions v \
         JOIN documents d ON d.id = v.document_id WHERE v.id IN ({wanted}) AND {EXPIRED}"
    );
    let values = [candidates, before.as_micros().into()];
    let (mut expired, mut let_go) = (Vec::new(), Vec::new());
    let mut charges = Charges::default();
    let staged: Vec<Expired> = query_as(&transaction, staged, values).await?;
    for version in staged {
        let traces = traces(&version.staged_url);
        expired.push(version.id);
        let_go.extend(Discard::at_any(
            version.owner_id,
            traces,
            version.size_bytes,
        ));
        charges.to(version.owner_id).staging_bytes -= version.size_bytes;
    }
    forget_staged_bytes(&transaction, &expired).await?;
    discards::add_charged(&transaction, &let_go, &mut charges, now).await?;
    charges.write(&transaction).await?;
    transaction.commit().await?;
    Ok(expired.len())
}
