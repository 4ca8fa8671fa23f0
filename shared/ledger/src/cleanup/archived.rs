//! Archived documents whose time is over.

use sea_orm::DbBackend;
use uuid::Uuid;

use crate::batch::query;
use crate::{Database, DbError, removal};
use domain::Timestamp;

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
    let lock = if db.backend() == DbBackend::Postgres {
        " FOR UPDATE SKIP LOCKED"
    } else {
        ""
    };
    let sql = format!(
        "SELECT id FROM documents WHERE archived_at IS NOT NULL AND archived_at < $1 \
         ORDER BY archived_at LIMIT $2{lock}"
    );
    let values = [before.as_micros().into(), i64::from(limit).into()];
    let documents: Vec<Uuid> = query(&transaction, sql, values)
        .await?
        .iter()
        .map(|row| row.try_get_by_index(0))
        .collect::<Result<_, _>>()?;
    if !documents.is_empty() {
        let held = removal::delete_documents(&transaction, &documents).await?;
        held.give_back(&transaction, now, traces).await?;
    }
    transaction.commit().await?;
    Ok(documents.len())
}
