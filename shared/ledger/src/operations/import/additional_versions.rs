//! Adds versions beyond the first one of a document: further versions of a new document, and new
//! versions of an existing one.

use serde::Serialize;
use uuid::Uuid;

use super::chunk::StagedContent;
use crate::DatabaseTransaction;
use crate::DbError;
use crate::batch::{Columns, Kind, execute, parameter};
use crate::events::{self, NewEvent};
use crate::jobs::{NewJob, enqueue};
use domain::{
    Document, DocumentId, DocumentName, JobId, MediaType, Status, Timestamp, UserId, VersionId,
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

/// Inserts versions with their events and jobs. Returns the jobs.
pub async fn insert(
    transaction: &DatabaseTransaction,
    owner: UserId,
    versions: &[AdditionalVersion<'_>],
    now: Timestamp,
) -> Result<Vec<JobId>, DbError> {
    const COLUMNS: &Columns = &[
        ("id", Kind::Uuid),
        ("document_id", Kind::Uuid),
        ("number", Kind::Integer),
        ("name", Kind::Text),
        ("declared_type", Kind::Text),
        ("size_bytes", Kind::Integer),
        ("sha256", Kind::Text),
        ("staged_url", Kind::Text),
    ];

    #[derive(Serialize)]
    struct Row<'a> {
        id: Uuid,
        document_id: Uuid,
        number: u32,
        name: &'a str,
        declared_type: Option<&'a str>,
        size_bytes: i64,
        sha256: String,
        staged_url: &'a str,
    }

    if versions.is_empty() {
        return Ok(Vec::new());
    }
    let list = versions.iter().map(|additional| Row {
        id: VersionId::new(now).0,
        document_id: additional.document.0,
        number: additional.number,
        name: additional.name.as_str(),
        declared_type: additional
            .content
            .declared_type
            .as_ref()
            .map(MediaType::as_str),
        size_bytes: additional.content.size.as_i64(),
        sha256: additional.content.sha256.to_string(),
        staged_url: additional.content.staged.as_str(),
    });
    let list: Vec<_> = list.collect();
    let source = transaction.dialect().rows(COLUMNS);
    let sql = format!(
        "INSERT INTO versions (id, document_id, owner_id, number, status, name, declared_type, type_mismatch, \
         size_bytes, sha256, staged_url, created_at) \
         SELECT x.id, x.document_id, $2, x.number, 'pending', x.name, x.declared_type, false, \
         x.size_bytes, x.sha256, x.staged_url, $3 FROM {source}"
    );
    let values = [parameter(&list)?, owner.0.into(), now.as_micros().into()];
    execute(transaction, sql, values).await?;
    let notes: Vec<_> = versions
        .iter()
        .map(|additional| NewEvent {
            owner,
            document: additional.document,
            kind: "accepted",
            version: Some(additional.number),
        })
        .collect();
    events::add(transaction, &notes, now).await?;
    let jobs: Vec<_> = list
        .iter()
        .map(|row| NewJob {
            subject: Some(row.id),
            ..NewJob::without_subject(JobKind::ProcessVersion, owner, now)
        })
        .collect();
    enqueue(transaction, &jobs, now).await?;
    Ok(jobs.into_iter().map(|job| job.id).collect())
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
    const COLUMNS: &Columns = &[
        ("id", Kind::Uuid),
        ("latest", Kind::Integer),
        ("revisions", Kind::Integer),
        ("revives", Kind::Integer),
        ("size_bytes", Kind::Integer),
        ("sha256", Kind::Text),
        ("declared_type", Kind::Text),
    ];

    #[derive(Serialize)]
    struct Row<'a> {
        id: Uuid,
        latest: u32,
        revisions: u8,
        revives: u8,
        size_bytes: i64,
        sha256: String,
        declared_type: Option<&'a str>,
    }

    if documents.is_empty() {
        return Ok(());
    }
    let list = documents.iter().map(|raised| Row {
        id: raised.document.0,
        latest: raised.latest,
        revisions: u8::from(raised.before.is_some()),
        revives: u8::from(raised.before.is_some_and(is_in_error)),
        size_bytes: raised.content.size.as_i64(),
        sha256: raised.content.sha256.to_string(),
        declared_type: raised.content.declared_type.as_ref().map(MediaType::as_str),
    });
    let list: Vec<_> = list.collect();
    let source = transaction.dialect().rows(COLUMNS);
    let sql = format!(
        "UPDATE documents SET latest_version = x.latest, revision = revision + x.revisions, \
         updated_at = CASE WHEN x.revisions = 1 THEN $2 ELSE updated_at END, \
         status = CASE WHEN x.revives = 1 THEN 'pending' ELSE status END, \
         error_code = CASE WHEN x.revives = 1 THEN NULL ELSE error_code END, \
         error_detail = CASE WHEN x.revives = 1 THEN NULL ELSE error_detail END, \
         size_bytes = CASE WHEN x.revives = 1 THEN x.size_bytes ELSE documents.size_bytes END, \
         sha256 = CASE WHEN x.revives = 1 THEN x.sha256 ELSE documents.sha256 END, \
         declared_type = CASE WHEN x.revives = 1 THEN x.declared_type ELSE documents.declared_type END \
         FROM {source} WHERE documents.id = x.id"
    );
    execute(
        transaction,
        sql,
        [parameter(&list)?, now.as_micros().into()],
    )
    .await?;
    Ok(())
}

/// Whether a new version makes the document pending again.
pub fn is_in_error(document: &Document) -> bool {
    document.lifecycle.status() == Status::Error
}
