//! The last transaction of a user's removal: deletes what was added since the batches, and the user.

use uuid::Uuid;

use super::mark::dedupe_key;
use crate::batch::{query, query_column};
use crate::jobs::{NewJob, enqueue};
use crate::removal::delete_documents;
use crate::tables::events::delete_of_owner;
use crate::tables::jobs::delete_ready;
use crate::tables::{operations, users};
use crate::uploads::remove_uploads_of;
use crate::{Database, DatabaseTransaction, DbError, discards, identities};
use domain::{JobId, Timestamp, UserId};
use queue::JobKind;

/// Removes what is left of a marked user, and the user. Returns the id of the job that removes the
/// bytes; `None` if the user is gone already.
pub(super) async fn remove_rest(
    db: &Database,
    id: UserId,
    now: Timestamp,
    traces: &(impl Fn(&str) -> Vec<String> + Send + Sync),
) -> Result<Option<JobId>, DbError> {
    let owner = || [id.0.into()];
    let transaction = db.begin_lengthy().await?;
    let marked = "SELECT 1 FROM users WHERE id = $1 AND removed_at IS NOT NULL";
    if query(&transaction, marked, owner()).await?.is_empty() {
        return Ok(None);
    }
    lock_everything(&transaction, id).await?;
    let documents = "SELECT id FROM documents WHERE owner_id = $1";
    let documents: Vec<Uuid> = query_column(&transaction, documents, owner()).await?;
    let held = delete_documents(&transaction, &documents).await?;
    while remove_uploads_of(&transaction, id, now).await? {}
    let archives = operations::archives_of(&transaction, id).await?;
    delete_ready(&transaction, &dedupe_key(id)).await?;
    held.untold().release(&transaction, now, traces).await?;
    delete_of_owner(&transaction, id, i64::MAX).await?;
    discards::add(&transaction, &archives, now).await?;
    identities::mark_deleted(&transaction, id, now).await?;
    users::delete(&transaction, id.0).await?;
    let job = NewJob::without_subject(JobKind::RemoveDiscarded, id, now);
    enqueue(&transaction, std::slice::from_ref(&job), now).await?;
    transaction.commit().await?;
    Ok(Some(job.id))
}

/// Locks everything the user owns, so that what is counted is what is removed: an upload that
/// settles in between would leave a reference to its content behind.
///
/// The user is locked before the last documents, unlike elsewhere: while their row is unlocked,
/// documents are still added. A transaction that settles one of those few may deadlock with this
/// one; the database aborts one of the two, which is retried.
async fn lock_everything(transaction: &DatabaseTransaction, id: UserId) -> Result<(), DbError> {
    let dialect = transaction.dialect();
    // The running chunk finishes, and no other one starts.
    operations::lock_unfinished_of_owner(transaction, id).await?;
    let owner = || [id.0.into()];
    if dialect.has_one_writer() {
        // SQLite has one writer, which this transaction is.
        return Ok(());
    }
    // Counted, or the ids of all documents would travel here for nothing.
    let documents = "SELECT count(*) FROM (SELECT 1 FROM documents d JOIN versions v ON v.document_id = d.id \
         WHERE d.owner_id = $1 ORDER BY d.id, v.id FOR UPDATE) AS held";
    query(transaction, documents, owner()).await?;
    let user = "SELECT id FROM users WHERE id = $1 FOR UPDATE";
    query(transaction, user, owner()).await?;
    query(transaction, documents, owner()).await?;
    Ok(())
}
