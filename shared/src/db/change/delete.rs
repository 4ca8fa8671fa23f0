//! Deleting a document, whatever its status: gone at once, its bytes a moment later.

use sea_orm::DatabaseTransaction;
use uuid::Uuid;

use super::hold::{Charge, hold, release, release_blob};
use super::{ChangeError, Target};
use crate::db::batch::{execute, query};
use crate::db::jobs::{NewJob, enqueue};
use crate::db::{Database, DbError, discards};
use crate::domain::{ByteSize, DocumentId, JobId, Status, Timestamp};
use crate::queue::JobKind;

/// Deletes a document with all its versions. Quota is given back in the same
/// transaction, and a job that removes the bytes is enqueued; its id is returned.
///
/// `traces` says where the bytes of staged uploads may lie.
pub async fn delete_document(
    db: &Database,
    target: &Target,
    now: Timestamp,
    traces: impl Fn(&str) -> Vec<String> + Send,
) -> Result<JobId, ChangeError> {
    let transaction = db.begin().await?;
    let document = hold(&transaction, target).await?;
    let held = versions(&transaction, document.id).await?;
    let counted = i64::from(document.lifecycle.status() != Status::Error);
    let staged: Vec<_> = held.staged.iter().flat_map(|url| traces(url)).collect();
    discards::add(&transaction, &staged, now).await?;
    execute(
        &transaction,
        "DELETE FROM documents WHERE id = $1",
        [document.id.0.into()],
    )
    .await?;
    for (blob, refs) in held.blobs {
        release_blob(&transaction, blob, refs, now).await?;
    }
    let charge = Charge {
        used: held.used,
        reserved: held.reserved,
        documents: counted,
    };
    release(&transaction, document.owner, charge).await?;
    let job = NewJob::without_subject(JobKind::RemoveDiscarded, document.owner, now);
    enqueue(&transaction, std::slice::from_ref(&job), now).await?;
    transaction.commit().await?;
    Ok(job.id)
}

/// What the versions of a document hold.
#[derive(Default)]
struct Held {
    used: ByteSize,
    reserved: ByteSize,
    /// How many references to each blob, in the order in which blobs are locked.
    blobs: Vec<(Uuid, i64)>,
    staged: Vec<String>,
}

async fn versions(
    transaction: &DatabaseTransaction,
    document: DocumentId,
) -> Result<Held, DbError> {
    let sql = "SELECT status, size_bytes, blob_id, staged_url FROM versions WHERE document_id = $1 \
         ORDER BY sha256, size_bytes";
    let mut held = Held::default();
    for row in query(transaction, sql, [document.0.into()]).await? {
        let (status, size): (String, i64) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
        let (blob, staged): (Option<Uuid>, Option<String>) =
            (row.try_get_by_index(2)?, row.try_get_by_index(3)?);
        match status.as_str() {
            "active" => held.used = ByteSize::new(held.used.bytes() + size.unsigned_abs()),
            "pending" => held.reserved = ByteSize::new(held.reserved.bytes() + size.unsigned_abs()),
            _ => {}
        }
        if let Some(blob) = blob {
            match held.blobs.last_mut() {
                Some((last, refs)) if *last == blob => *refs += 1,
                _ => held.blobs.push((blob, 1)),
            }
        }
        held.staged.extend(staged);
    }
    Ok(held)
}
