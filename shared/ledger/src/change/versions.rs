//! Makes an old version current again without copying its bytes, or deletes it.

use sea_orm::ActiveValue::Set;

use super::edit::{finish, revised, update};
use super::lock::{charge, lock_document, record_event, with_version_of};
use super::{ChangeError, Target};
use crate::batch::parameter;
use crate::jobs::{NewJob, enqueue};
use crate::retry_on_conflict::retry_on_conflict;
use crate::tables::blobs::add_reference;
use crate::tables::documents::DocumentUpdate;
use crate::tables::users::{Charge, QuotaCharge};
use crate::tables::versions::{self as version, copy_version};
use crate::{Commit, DatabaseTransaction, DbError, removal};
use domain::{Document, EventKind, JobId, Limits, Timestamp, VersionId};
use queue::JobKind;

/// Creates a new version from an active one, with another reference to the same bytes. Returns the
/// document, whose current version is the new one.
pub async fn restore_version(
    on: &impl Commit<Document>,
    target: &Target,
    number: u32,
    limits: &Limits,
    now: Timestamp,
) -> Result<Document, ChangeError> {
    retry_on_conflict(|| restore(on, target, number, limits, now)).await
}

async fn restore(
    on: &impl Commit<Document>,
    target: &Target,
    number: u32,
    limits: &Limits,
    now: Timestamp,
) -> Result<Document, ChangeError> {
    let _slot = on.database().change_slot(target.owner).await?;
    let transaction = on.database().begin().await?;
    let before = lock_document(&transaction, target).await?;
    let old = find(&transaction, &before, number).await?;
    let (Some(blob), Some(mime_type), Some(_)) =
        (old.blob_id, old.mime_type.clone(), before.active())
    else {
        return Err(ChangeError::NotActive);
    };
    let url = add_reference(&transaction, blob).await?;
    let url = url.ok_or_else(|| DbError::corrupt("versions", "blob_id", old.id))?;
    // After the blob, as everywhere.
    let used = QuotaCharge::of(Charge {
        used_bytes: old.size_bytes,
        ..Charge::to(before.owner.0)
    });
    charge(&transaction, with_version_of(used, &before, limits), limits).await?;
    let next = before.latest_version + 1;
    let copy = (VersionId::new(now), next);
    copy_version(&transaction, old.id, copy, now).await?;
    let row = DocumentUpdate {
        version: Set(Some(i64::from(next))),
        latest_version: Set(i64::from(next)),
        mime_type: Set(Some(mime_type)),
        type_mismatch: Set(old.type_mismatch),
        declared_type: Set(old.declared_type.clone()),
        size_bytes: Set(old.size_bytes),
        sha256: Set(old.sha256.clone()),
        storage_url: Set(Some(url)),
        ..revised(&before, now)
    };
    update(&transaction, row).await?;
    let kind = EventKind::VersionRestored;
    record_event(&transaction, &before, kind, Some(next), now).await?;
    finish(on, transaction, &before).await
}

/// Deletes a version that isn't current. Returns the id of the job that removes its bytes.
///
/// `traces` locates the bytes of a staged upload.
pub async fn delete_version(
    on: &impl Commit<()>,
    target: &Target,
    number: u32,
    now: Timestamp,
    traces: impl Fn(&str) -> Vec<String> + Send + Sync,
) -> Result<JobId, ChangeError> {
    retry_on_conflict(|| async {
        let _slot = on.database().change_slot(target.owner).await?;
        let transaction = on.database().begin().await?;
        let before = lock_document(&transaction, target).await?;
        let old = find(&transaction, &before, number).await?;
        let current = before.lifecycle.current().map(|current| current.version);
        // Without a current version, the document shows its latest one.
        if current == Some(number) || (current.is_none() && number == before.latest_version) {
            return Err(ChangeError::CurrentVersion);
        }
        let this = on.database().dialect().ids();
        let (removed, mut held) =
            removal::delete_versions(&transaction, this, parameter(&[old.id])?).await?;
        held.tell_of(&removed);
        let job = NewJob::without_subject(JobKind::RemoveDiscarded, before.owner, now);
        enqueue(&transaction, std::slice::from_ref(&job), now).await?;
        held.release(&transaction, now, &traces).await?;
        on.commit(transaction, &()).await?;
        Ok(job.id)
    })
    .await
}

async fn find(
    transaction: &DatabaseTransaction,
    document: &Document,
    number: u32,
) -> Result<version::Model, ChangeError> {
    use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

    let select = version::Entity::find()
        .filter(version::Column::DocumentId.eq(document.id.0))
        .filter(version::Column::Number.eq(i64::from(number)));
    select.one(transaction).await?.ok_or(ChangeError::NotFound)
}
