//! New versions of a document: readers get the old one until the new one is active.

use bytes::Bytes;
use sea_orm::ActiveValue::Set;
use url::Url;

use super::edit::{finish, revised, update};
use super::lock::{charge, lock_document, record_event, with_version_of};
use super::{ChangeError, Target};
use crate::jobs::{NewJob, enqueue};
use crate::retry_on_conflict::retry_on_conflict;
use crate::tables::documents::DocumentUpdate;
use crate::tables::users::{Charge, QuotaCharge};
use crate::tables::versions::{NewVersion, insert_undiscarded};
use crate::{Commit, DatabaseTransaction};
use crash_points::CrashPoint;
use domain::{
    ByteSize, Document, EventKind, JobId, Lifecycle, Limits, MediaType, Sha256, Timestamp,
    Transition, VersionId,
};
use queue::JobKind;

/// Staged bytes of a new version.
#[derive(Clone, Debug)]
pub struct NewContent {
    /// The id of the new version.
    pub version: VersionId,
    /// The id of the job that processes it.
    pub job: JobId,
    /// The declared media type.
    pub declared_type: Option<MediaType>,
    /// The URL of the staged bytes.
    pub staged: Url,
    /// The bytes themselves if they are few: nothing lies at `staged` then.
    pub body: Option<Bytes>,
    /// Their length, as counted.
    pub size: ByteSize,
    /// Their digest.
    pub sha256: Sha256,
    /// The W3C trace context of the request, if it had one.
    pub traceparent: Option<String>,
    /// When they were accepted.
    pub at: Timestamp,
}

/// Adds a pending version with the next number. A document in `error` becomes `pending`; one that
/// is pending or archived is refused.
pub async fn add_version(
    on: &impl Commit<Document>,
    target: &Target,
    content: &NewContent,
    limits: &Limits,
) -> Result<Document, ChangeError> {
    retry_on_conflict(|| add(on, target, content, limits)).await
}

async fn add(
    on: &impl Commit<Document>,
    target: &Target,
    content: &NewContent,
    limits: &Limits,
) -> Result<Document, ChangeError> {
    let _slot = on.database().change_slot(target.owner).await?;
    let transaction = on.database().begin().await?;
    let (before, _) = add_version_within(&transaction, target, content, limits).await?;
    crash_points::reach(CrashPoint::BeforeVersion);
    let document = finish(on, transaction, &before).await?;
    crash_points::reach(CrashPoint::AfterVersion);
    Ok(document)
}

/// Adds a version within the caller's transaction. Returns the document as it was, and the number
/// of the version.
pub(crate) async fn add_version_within(
    transaction: &DatabaseTransaction,
    target: &Target,
    content: &NewContent,
    limits: &Limits,
) -> Result<(Document, u32), ChangeError> {
    let before = lock_document(transaction, target).await?;
    let mut row = revised(&before, content.at);
    let number = before.latest_version + 1;
    row.latest_version = Set(i64::from(number));
    let documents = match before.lifecycle {
        Lifecycle::Active(_) => 0,
        Lifecycle::Error(_) => {
            let status = before.lifecycle.status().after(Transition::Retry)?;
            row = DocumentUpdate {
                status: Set(status.to_string()),
                error_code: Set(None),
                error_detail: Set(None),
                size_bytes: Set(content.size.as_i64()),
                sha256: Set(content.sha256.to_string()),
                declared_type: Set(content.declared_type.as_ref().map(MediaType::to_string)),
                ..row
            };
            1
        }
        Lifecycle::Pending | Lifecycle::Archived { .. } => return Err(ChangeError::NotActive),
    };
    let reserved = QuotaCharge {
        may_fail: true,
        ..QuotaCharge::of(Charge {
            reserved_bytes: content.size.as_i64(),
            used_documents: documents,
            ..Charge::to(before.owner.0)
        })
    };
    charge(
        transaction,
        with_version_of(reserved, &before, limits),
        limits,
    )
    .await?;
    update(transaction, row).await?;
    let version = NewVersion {
        id: content.version,
        document_id: before.id,
        owner_id: before.owner,
        number,
        name: &before.name,
        declared_type: content.declared_type.as_ref(),
        size_bytes: content.size,
        sha256: content.sha256,
        staged_url: content.staged.as_str(),
        body: content.body.as_ref().into(),
        is_direct: false,
        created_at: content.at,
    };
    if insert_undiscarded(transaction, &[version]).await? == 0 {
        return Err(ChangeError::BytesDiscarded);
    }
    let job = NewJob {
        id: content.job,
        kind: JobKind::ProcessVersion,
        subject: Some(content.version.0),
        owner: before.owner,
        dedupe_key: None,
        run_at: content.at,
        traceparent: content.traceparent.clone(),
    };
    enqueue(transaction, &[job], content.at).await?;
    let kind = EventKind::Accepted { is_first: false };
    record_event(transaction, &before, kind, Some(number), content.at).await?;
    Ok((before, number))
}
