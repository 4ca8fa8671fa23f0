//! Completes an upload: the transaction of the intake, by which its bytes become a document or a
//! version like those of any upload, and which gives back what it held of the quota.

use bytes::Bytes;
use url::Url;

use super::error::UploadError;
use super::remove::discard_all;
use super::upload::{Became, Upload, UploadPurpose, bytes};
use crate::change::{NewContent, Target, add_version_within};
use crate::discards::{self, Discard};
use crate::intake::{Arrival, accept_within};
use crate::retry_on_conflict::retry_on_conflict;
use crate::tables::ticket_documents;
use crate::tables::uploads::{self, Completion, Model};
use crate::tables::users::Charges;
use crate::{Commit, DatabaseTransaction, DbError};
use crash_points::CrashPoint;
use domain::{
    ByteSize, DocumentId, DocumentName, Hasher, JobId, Limits, MediaType, Sha256, Timestamp,
    UploadId, UploadStatus, VersionId,
};

/// An upload whose bytes are an object.
#[derive(Clone, Debug)]
pub struct FinishedUpload {
    /// The upload.
    pub id: UploadId,
    /// The fence of whoever finishes it.
    pub fence: u64,
    /// Where its bytes are.
    pub staged: Url,
    /// The bytes, if they were received by one request: then the row knows nothing of them.
    pub content: Option<ReceivedContent>,
    /// The W3C trace context of the request, if it had one.
    pub traceparent: Option<String>,
    /// The current time.
    pub at: Timestamp,
}

/// Bytes that were received by one request.
#[derive(Clone, Debug)]
pub struct ReceivedContent {
    /// Their size.
    pub size: ByteSize,
    /// Their digest.
    pub sha256: Sha256,
    /// The bytes themselves if they are few: nothing lies at their URL then.
    pub body: Option<Bytes>,
    /// What the client said they are.
    pub declared_type: Option<MediaType>,
    /// The name that their form has.
    pub name: Option<DocumentName>,
}

/// A completed upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Completed {
    /// It became a version of a document, for which this job was enqueued.
    Became(Became, JobId),
    /// It had become one already.
    Before(Became),
    /// It is a part with all its bytes.
    Part,
}

/// The digest that an upload has, from its state in the row.
fn digest_of(row: &Model) -> Result<Sha256, DbError> {
    let hasher = Hasher::resume(&row.digest);
    let hasher = hasher.map_err(|_| DbError::corrupt("uploads", "digest", row.id))?;
    Ok(hasher.finish())
}

/// Completes an upload, once: a repetition returns what it became. A document or version that the
/// intake refuses leaves the upload as it was.
pub async fn complete_upload(
    on: &impl Commit<Completed>,
    limits: &Limits,
    done: &FinishedUpload,
) -> Result<Completed, UploadError> {
    let completed = retry_on_conflict(|| async {
        let transaction = on.database().begin().await?;
        let completed = complete(&transaction, limits, done).await?;
        crash_points::reach(CrashPoint::BeforeIntake);
        on.commit(transaction, &completed).await?;
        Ok::<_, UploadError>(completed)
    })
    .await?;
    crash_points::reach(CrashPoint::AfterIntake);
    Ok(completed)
}

async fn complete(
    transaction: &DatabaseTransaction,
    limits: &Limits,
    done: &FinishedUpload,
) -> Result<Completed, UploadError> {
    let row = uploads::lock(transaction, done.id.0).await?;
    let row = row.ok_or(UploadError::NotFound)?;
    let upload = Upload::try_from(row.clone())?;
    match (upload.status, upload.became) {
        (UploadStatus::Complete, Some(became)) => return Ok(Completed::Before(became)),
        (UploadStatus::Complete, None) => return Ok(Completed::Part),
        (UploadStatus::Expired, _) => return Err(UploadError::NotOpen),
        (UploadStatus::Open, _) if bytes(row.fence) != done.fence => {
            return Err(UploadError::Superseded);
        }
        (UploadStatus::Open, _) => {}
    }
    if done.content.is_none() && !upload.has_all() {
        return Err(UploadError::OtherLength);
    }
    // Parts of other objects than the finished one, such as a tail that was joined to it.
    let mut left_over = row.clone();
    left_over.staged_url = left_over
        .staged_url
        .filter(|url| *url != done.staged.as_str() && row.offset_bytes > 0);
    left_over.tail_url = left_over
        .tail_url
        .filter(|url| *url != done.staged.as_str());
    let expires_at = done.at.plus(limits.uploads.expires);
    if upload.purpose == UploadPurpose::Part {
        drop_objects(transaction, &left_over, done.at).await?;
        let end = Completion {
            id: row.id,
            staged: Some(done.staged.as_str()),
            reserved: (row.reserved_bytes, 0),
            document: None,
            version: None,
            expires_at,
            now: done.at,
        };
        uploads::complete(transaction, end).await?;
        return Ok(Completed::Part);
    }
    release(transaction, &upload, &row, done.at).await?;
    drop_objects(transaction, &left_over, done.at).await?;
    let job = JobId::new(done.at);
    let became = take_in(transaction, limits, (&upload, &row, job), done).await?;
    if let Some(ticket) = upload.ticket {
        ticket_documents::insert(transaction, became.document.0, ticket.0).await?;
    }
    let end = Completion {
        id: row.id,
        staged: None,
        reserved: (0, 0),
        document: Some(became.document.0),
        version: Some(became.version.into()),
        expires_at,
        now: done.at,
    };
    uploads::complete(transaction, end).await?;
    Ok(Completed::Became(became, job))
}

/// Gives back what the upload holds of the quota, and its parts with what they hold.
async fn release(
    transaction: &DatabaseTransaction,
    upload: &Upload,
    row: &Model,
    now: Timestamp,
) -> Result<(), DbError> {
    let mut parts = Vec::new();
    for part in upload.joins.iter().flatten() {
        parts.extend(uploads::lock(transaction, part.0).await?);
    }
    discard_all(transaction, &parts, now).await?;
    let ids: Vec<_> = parts.iter().map(|part| part.id).collect();
    if !ids.is_empty() {
        uploads::delete(transaction, &ids).await?;
    }
    let mut charges = Charges::default();
    let charge = charges.to(row.owner_id);
    charge.reserved_bytes -= row.reserved_bytes;
    charge.used_documents -= row.reserved_documents;
    charges.write(transaction).await
}

async fn drop_objects(
    transaction: &DatabaseTransaction,
    left_over: &Model,
    now: Timestamp,
) -> Result<(), DbError> {
    let urls = left_over.staged_url.iter().chain(&left_over.tail_url);
    let discards = urls.map(|url| Discard::of(left_over.owner_id, url.clone(), 0));
    let mut charges = Charges::default();
    let discards: Vec<_> = discards.collect();
    discards::add_charged(transaction, &discards, &mut charges, now).await?;
    charges.write(transaction).await
}

async fn take_in(
    transaction: &DatabaseTransaction,
    limits: &Limits,
    (upload, row, job): (&Upload, &Model, JobId),
    done: &FinishedUpload,
) -> Result<Became, UploadError> {
    let content = match &done.content {
        Some(content) => content.clone(),
        None => ReceivedContent {
            size: ByteSize::new(upload.offset),
            sha256: digest_of(row)?,
            body: None,
            declared_type: None,
            name: None,
        },
    };
    let ReceivedContent { size, sha256, .. } = content;
    match &upload.purpose {
        UploadPurpose::Version {
            document,
            precondition,
            declared_type,
        } => {
            let target = Target {
                document: *document,
                owner: upload.owner,
                precondition: precondition.clone(),
            };
            let content = NewContent {
                version: VersionId::new(done.at),
                job,
                declared_type: content.declared_type.or_else(|| declared_type.clone()),
                staged: done.staged.clone(),
                body: content.body,
                size,
                sha256,
                traceparent: done.traceparent.clone(),
                at: done.at,
            };
            let added = add_version_within(transaction, &target, &content, limits).await;
            let (document, version) = added.map_err(UploadError::Version)?;
            Ok(Became {
                document: document.id,
                version,
            })
        }
        UploadPurpose::Document {
            name,
            visibility,
            metadata,
            declared_type,
        } => {
            let document = DocumentId::from(upload.id);
            let arrival = Arrival {
                document,
                version: VersionId::new(done.at),
                job,
                owner: upload.owner,
                name: content.name.unwrap_or_else(|| name.clone()),
                visibility: visibility.clone(),
                metadata: metadata.clone(),
                declared_type: content.declared_type.or_else(|| declared_type.clone()),
                staged: done.staged.clone(),
                body: content.body,
                size,
                sha256,
                traceparent: done.traceparent.clone(),
                at: done.at,
                receipt: None,
            };
            let answers = accept_within(transaction, limits, &[arrival]).await?;
            for answer in answers {
                answer.map_err(UploadError::Refused)?;
            }
            Ok(Became {
                document,
                version: 1,
            })
        }
        UploadPurpose::Part => Err(UploadError::NotOpen),
    }
}
