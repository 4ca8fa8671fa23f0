//! Retries failed versions with the bytes that are still staged.

use std::collections::HashMap;

use sea_orm::FromQueryResult;
use uuid::Uuid;

use super::edit::finish;
use super::lock::{fitting, lock_document};
use super::{ChangeError, Target};
use crate::batch::{parameter, query_as};
use crate::fresh_attempts::{FailedVersion, reserve, return_to_pending};
use crate::jobs::{NewJob, enqueue};
use crate::retry_on_conflict::retry_on_conflict;
use crate::{Commit, DatabaseTransaction, DbError};
use domain::{
    ByteSize, Document, JobId, Lifecycle, Limits, OperationId, Timestamp, Transition, UserId,
    VersionId,
};
use queue::JobKind;

/// Retries the latest version if it failed and its bytes are kept: enqueues a new job and reserves
/// its bytes again. Returns the id of the job.
pub async fn retry_document(
    on: &impl Commit<Document>,
    target: &Target,
    limits: &Limits,
    now: Timestamp,
) -> Result<(Document, JobId), ChangeError> {
    retry_on_conflict(|| async {
        let _slot = on.database().change_slot(target.owner).await?;
        let transaction = on.database().begin().await?;
        let before = lock_document(&transaction, target).await?;
        let judged = retryable(&transaction, target.owner, &[&before], limits).await?;
        let mut retryable = Vec::new();
        for judged in judged {
            retryable.push(judged?);
        }
        let by = (target.owner, None);
        let jobs = retry_all(&transaction, by, &retryable, limits, now).await?;
        let job = *jobs.first().ok_or(ChangeError::NotRetryable)?;
        Ok((finish(on, transaction, &before).await?, job))
    })
    .await
}

/// Returns which of the owner's locked documents can be retried, and why others can't. The results
/// are in the order of `documents`, in which the quota is given out too.
pub(crate) async fn retryable(
    transaction: &DatabaseTransaction,
    owner: UserId,
    documents: &[&Document],
    limits: &Limits,
) -> Result<Vec<Result<FailedVersion, ChangeError>>, DbError> {
    let failed = failed_versions(transaction, documents).await?;
    let judged: Vec<_> = documents
        .iter()
        .map(|document| judge(document, &failed))
        .collect();
    let wanted = judged.iter().flatten();
    let wanted: Vec<_> = wanted.map(|one| (one.document, one.charge())).collect();
    if wanted.is_empty() {
        return Ok(judged);
    }
    let fitting = fitting(transaction, owner, &wanted, limits).await?;
    let fits = |judged: Result<FailedVersion, ChangeError>| match judged {
        Ok(one) if !fitting.contains(&one.document) => Err(ChangeError::QuotaExceeded),
        judged => judged,
    };
    Ok(judged.into_iter().map(fits).collect())
}

fn judge(
    document: &Document,
    failed: &HashMap<Uuid, (Uuid, ByteSize)>,
) -> Result<FailedVersion, ChangeError> {
    if matches!(document.lifecycle, Lifecycle::Archived { .. }) {
        document.lifecycle.status().after(Transition::Retry)?;
    }
    let (version, size) = failed
        .get(&document.id.0)
        .ok_or(ChangeError::NotRetryable)?;
    Ok(FailedVersion {
        id: VersionId(*version),
        number: document.latest_version,
        size: *size,
        document: document.id,
        owner: document.owner,
        status: document.lifecycle.status(),
    })
}

/// Returns the latest versions by document, if they failed and their bytes are kept.
async fn failed_versions(
    transaction: &DatabaseTransaction,
    documents: &[&Document],
) -> Result<HashMap<Uuid, (Uuid, ByteSize)>, DbError> {
    #[derive(FromQueryResult)]
    struct Row {
        document: Uuid,
        version: Uuid,
        size_bytes: i64,
    }

    let sql = format!(
        "SELECT d.id AS document, v.id AS version, v.size_bytes FROM documents d \
         JOIN versions v ON v.document_id = d.id AND v.number = d.latest_version \
         WHERE d.id IN ({}) AND v.status = 'error' AND v.staged_url IS NOT NULL",
        transaction.dialect().ids()
    );
    let documents: Vec<_> = documents.iter().map(|document| document.id).collect();
    let found: Vec<Row> = query_as(transaction, sql, [parameter(&documents)?]).await?;
    let version = |row: Row| {
        let size = ByteSize::new(row.size_bytes.unsigned_abs());
        (row.document, (row.version, size))
    };
    Ok(found.into_iter().map(version).collect())
}

/// Makes versions pending again, each with a new job, whose ids are returned.
pub(crate) async fn retry_all(
    transaction: &DatabaseTransaction,
    (owner, operation): (UserId, Option<OperationId>),
    retried: &[FailedVersion],
    limits: &Limits,
    now: Timestamp,
) -> Result<Vec<JobId>, ChangeError> {
    if retried.is_empty() {
        return Ok(Vec::new());
    }
    let reserved = reserve(transaction, retried, limits).await?;
    if reserved.len() < retried.len() {
        return Err(ChangeError::QuotaExceeded);
    }
    return_to_pending(transaction, retried, operation, now).await?;
    let job = |one: &FailedVersion| NewJob {
        subject: Some(one.id.0),
        ..NewJob::without_subject(JobKind::ProcessVersion, owner, now)
    };
    let jobs: Vec<_> = retried.iter().map(job).collect();
    enqueue(transaction, &jobs, now).await?;
    Ok(jobs.into_iter().map(|job| job.id).collect())
}
