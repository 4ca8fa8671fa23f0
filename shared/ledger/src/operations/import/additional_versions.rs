//! Adds versions beyond the first one of a document: further versions of a new document, and new
//! versions of an existing one.

use super::chunk::StagedContent;
use crate::DatabaseTransaction;
use crate::DbError;
use crate::jobs::{NewJob, enqueue};
use crate::tables::documents::{NewLatest, raise_latest};
use crate::tables::events::NewEvent;
use crate::tables::versions::{Body, NewVersion, insert_versions};
use domain::{
    Document, DocumentId, DocumentName, EventKind, JobId, OperationId, Status, Timestamp, UserId,
    VersionId,
};
use queue::JobKind;

/// A version to add, under the next number.
#[derive(Debug)]
pub struct AdditionalVersion<'a> {
    /// The document.
    pub document: DocumentId,
    /// Its name.
    pub name: &'a DocumentName,
    /// The number.
    pub number: u32,
    /// The bytes.
    pub content: &'a StagedContent,
}

/// Inserts versions with their jobs. Returns the jobs.
pub async fn insert<'a>(
    transaction: &DatabaseTransaction,
    owner: UserId,
    versions: &[AdditionalVersion<'a>],
    now: Timestamp,
) -> Result<Vec<JobId>, DbError> {
    if versions.is_empty() {
        return Ok(Vec::new());
    }
    let row = |additional: &AdditionalVersion<'a>| NewVersion {
        id: VersionId::new(now),
        document_id: additional.document,
        owner_id: owner,
        number: additional.number,
        name: additional.name,
        declared_type: additional.content.declared_type.as_ref(),
        size_bytes: additional.content.size,
        sha256: additional.content.sha256,
        staged_url: additional.content.staged.as_str(),
        body: Body::default(),
        is_direct: false,
        created_at: now,
    };
    let rows: Vec<_> = versions.iter().map(row).collect();
    insert_versions(transaction, &rows).await?;
    let job = |version: &NewVersion<'_>| NewJob {
        subject: Some(version.id.0),
        ..NewJob::without_subject(JobKind::ProcessVersion, owner, now)
    };
    let jobs: Vec<_> = rows.iter().map(job).collect();
    enqueue(transaction, &jobs, now).await?;
    Ok(jobs.into_iter().map(|job| job.id).collect())
}

/// The events of added versions.
pub fn events(
    owner: UserId,
    operation: OperationId,
    versions: &[AdditionalVersion<'_>],
    now: Timestamp,
) -> Vec<NewEvent> {
    let event = |additional: &AdditionalVersion<'_>| {
        let kind = EventKind::Accepted { is_first: false };
        NewEvent::new(owner, kind, Some(additional.number), now)
            .of(additional.document)
            .by(Some(operation))
    };
    versions.iter().map(event).collect()
}

/// A document with its new latest number.
#[derive(Clone, Copy, Debug)]
pub struct Raised<'a> {
    /// The document.
    pub document: DocumentId,
    /// The number.
    pub latest: u32,
    /// The document before, if it is not new.
    pub before: Option<&'a Document>,
    /// The content that it shows if it is pending again.
    pub content: &'a StagedContent,
}

/// Raises the latest number of documents. One in `error` becomes `pending`.
pub async fn raise(
    transaction: &DatabaseTransaction,
    documents: &[Raised<'_>],
    now: Timestamp,
) -> Result<(), DbError> {
    if documents.is_empty() {
        return Ok(());
    }
    let rows = documents.iter().map(|raised| NewLatest {
        id: raised.document,
        latest: raised.latest,
        revisions: u8::from(raised.before.is_some()),
        revives: u8::from(raised.before.is_some_and(is_in_error)),
        size_bytes: raised.content.size,
        sha256: raised.content.sha256,
        declared_type: raised.content.declared_type.as_ref(),
    });
    raise_latest(transaction, &rows.collect::<Vec<_>>(), now).await
}

/// Whether a new version makes the document pending again.
pub fn is_in_error(document: &Document) -> bool {
    document.lifecycle.status() == Status::Error
}
