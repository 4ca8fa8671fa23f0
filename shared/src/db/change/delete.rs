//! Deleting a document, whatever its status: gone at once, its bytes a moment later.

use super::hold::hold;
use super::{ChangeError, Target};
use crate::db::jobs::{NewJob, enqueue};
use crate::db::{Commit, removal};
use crate::domain::{JobId, Timestamp};
use crate::queue::JobKind;

/// Deletes a document with all its versions. Quota is given back in the same
/// transaction, and a job that removes the bytes is enqueued; its id is returned.
///
/// `traces` says where the bytes of staged uploads may lie.
pub async fn delete_document(
    on: &impl Commit<()>,
    target: &Target,
    now: Timestamp,
    traces: impl Fn(&str) -> Vec<String> + Send,
) -> Result<JobId, ChangeError> {
    let transaction = on.database().begin().await?;
    let document = hold(&transaction, target).await?;
    let held = removal::delete_documents(&transaction, &[document.id.0]).await?;
    let job = NewJob::without_subject(JobKind::RemoveDiscarded, document.owner, now);
    enqueue(&transaction, std::slice::from_ref(&job), now).await?;
    held.give_back(&transaction, now, traces).await?;
    on.commit(transaction, &()).await?;
    Ok(job.id)
}
