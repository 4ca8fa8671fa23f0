//! Deletes documents in any status. Rows are deleted at once, bytes by a job.

use super::lock::lock_document;
use super::{ChangeError, Target};
use crate::jobs::{NewJob, enqueue};
use crate::retry_on_conflict::retry_on_conflict;
use crate::{Commit, DatabaseTransaction, DbError, removal};
use domain::{DocumentId, JobId, OperationId, Timestamp, UserId};
use queue::JobKind;

/// Deletes a document with all its versions. The transaction releases its quota and enqueues a job
/// that removes the bytes; returns the id of that job.
///
/// `traces` locates the bytes of staged uploads.
pub async fn delete_document(
    on: &impl Commit<()>,
    target: &Target,
    now: Timestamp,
    traces: impl Fn(&str) -> Vec<String> + Send + Sync,
) -> Result<JobId, ChangeError> {
    retry_on_conflict(|| async {
        let _slot = on.database().change_slot(target.owner).await?;
        let transaction = on.database().begin().await?;
        let document = lock_document(&transaction, target).await?;
        let by = (document.owner, None);
        let job = delete_all(&transaction, by, &[document.id], now, &traces).await?;
        on.commit(transaction, &()).await?;
        Ok(job)
    })
    .await
}

/// Deletes locked documents of `owner`, perhaps by an operation. Returns the id of the job that
/// removes the bytes.
pub(crate) async fn delete_all(
    transaction: &DatabaseTransaction,
    (owner, operation): (UserId, Option<OperationId>),
    documents: &[DocumentId],
    now: Timestamp,
    traces: impl Fn(&str) -> Vec<String> + Send,
) -> Result<JobId, DbError> {
    let documents: Vec<_> = documents.iter().map(|document| document.0).collect();
    let held = removal::delete_documents(transaction, &documents).await?;
    let job = NewJob::without_subject(JobKind::RemoveDiscarded, owner, now);
    enqueue(transaction, std::slice::from_ref(&job), now).await?;
    held.by(operation).release(transaction, now, traces).await?;
    Ok(job.id)
}
