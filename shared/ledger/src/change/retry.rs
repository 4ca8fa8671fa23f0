//! Trying failed versions again with the bytes that are still staged.

use std::collections::HashMap;

use serde::Serialize;
use uuid::Uuid;

use super::anew::anew;
use super::edit::finish;
use super::hold::{charge, fitting, hold};
use super::{ChangeError, Target};
use crate::batch::{Columns, Kind, execute, parameter, query};
use crate::events::{self, NewEvent};
use crate::jobs::{NewJob, enqueue};
use crate::tables::users::{Charge, QuotaCharge};
use crate::{Commit, DatabaseTransaction, DbError};
use domain::{
    ByteSize, Document, DocumentId, JobId, Lifecycle, Limits, Status, Timestamp, Transition, UserId,
};
use queue::JobKind;

/// Puts the latest version, if it failed and its bytes are kept, back into the
/// pipeline with a new job, and reserves its bytes anew. Gives that job's id.
pub async fn retry_document(
    on: &impl Commit<Document>,
    target: &Target,
    limits: &Limits,
    now: Timestamp,
) -> Result<(Document, JobId), ChangeError> {
    anew(|| async {
        let _slot = on.database().change_slot(target.owner).await?;
        let transaction = on.database().begin().await?;
        let before = hold(&transaction, target).await?;
        let judged = retryable(&transaction, target.owner, &[&before], limits).await?;
        let mut retryable = Vec::new();
        for judged in judged {
            retryable.push(judged?);
        }
        let jobs = retry_all(&transaction, target.owner, &retryable, limits, now).await?;
        let job = *jobs.first().ok_or(ChangeError::NotRetryable)?;
        Ok((finish(on, transaction, &before).await?, job))
    })
    .await
}

/// A document whose latest version can be tried again.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Retryable {
    document: DocumentId,
    status: Status,
    version: Uuid,
    number: u32,
    charge: Charge,
}

/// Which of the owner's documents, which are held, can be tried again, and why the others can't.
/// The answers are in the order of `documents`, and what fits into the quota is decided in it.
pub(crate) async fn retryable(
    transaction: &DatabaseTransaction,
    owner: UserId,
    documents: &[&Document],
    limits: &Limits,
) -> Result<Vec<Result<Retryable, ChangeError>>, DbError> {
    let failed = failed_versions(transaction, documents).await?;
    let judged: Vec<_> = documents
        .iter()
        .map(|document| judge(document, &failed))
        .collect();
    let wanted = judged.iter().flatten();
    let wanted: Vec<_> = wanted.map(|one| (one.document, one.charge)).collect();
    if wanted.is_empty() {
        return Ok(judged);
    }
    let fitting = fitting(transaction, owner, &wanted, limits).await?;
    let fits = |judged: Result<Retryable, ChangeError>| match judged {
        Ok(one) if !fitting.contains(&one.document) => Err(ChangeError::QuotaExceeded),
        judged => judged,
    };
    Ok(judged.into_iter().map(fits).collect())
}

fn judge(
    document: &Document,
    failed: &HashMap<Uuid, (Uuid, ByteSize)>,
) -> Result<Retryable, ChangeError> {
    if matches!(document.lifecycle, Lifecycle::Archived { .. }) {
        document.lifecycle.status().after(Transition::Retry)?;
    }
    let (version, size) = failed
        .get(&document.id.0)
        .ok_or(ChangeError::NotRetryable)?;
    // An active document stays what it is, whatever becomes of its latest version.
    let (status, documents) = match document.lifecycle.status() {
        Status::Error => (Status::Error.after(Transition::Retry)?, 1),
        status => (status, 0),
    };
    Ok(Retryable {
        document: document.id,
        status,
        version: *version,
        number: document.latest_version,
        charge: Charge {
            reserved_bytes: size.as_i64(),
            used_documents: documents,
            staging_bytes: -size.as_i64(),
            failed_versions: -1,
            ..Charge::to(document.owner.0)
        },
    })
}

/// The latest versions of documents, by document, where they failed and their bytes are kept.
async fn failed_versions(
    transaction: &DatabaseTransaction,
    documents: &[&Document],
) -> Result<HashMap<Uuid, (Uuid, ByteSize)>, DbError> {
    let sql = format!(
        "SELECT d.id, v.id, v.size_bytes FROM documents d \
         JOIN versions v ON v.document_id = d.id AND v.number = d.latest_version \
         WHERE d.id IN ({}) AND v.status = 'error' AND v.staged_url IS NOT NULL",
        transaction.dialect().ids()
    );
    let documents: Vec<_> = documents.iter().map(|document| document.id).collect();
    let found = query(transaction, sql, [parameter(&documents)?]).await?;
    found
        .into_iter()
        .map(|row| {
            let size: i64 = row.try_get_by_index(2)?;
            let version = (row.try_get_by_index(1)?, ByteSize::new(size.unsigned_abs()));
            Ok((row.try_get_by_index(0)?, version))
        })
        .collect()
}

/// Puts versions back into the pipeline, each with a new job whose id is returned.
pub(crate) async fn retry_all(
    transaction: &DatabaseTransaction,
    owner: UserId,
    retried: &[Retryable],
    limits: &Limits,
    now: Timestamp,
) -> Result<Vec<JobId>, ChangeError> {
    const COLUMNS: &Columns = &[("id", Kind::Uuid), ("status", Kind::Text)];

    #[derive(Serialize)]
    struct Row {
        id: Uuid,
        status: &'static str,
    }

    if retried.is_empty() {
        return Ok(Vec::new());
    }
    let mut sum = Charge::to(owner.0);
    for one in retried {
        sum.reserved_bytes += one.charge.reserved_bytes;
        sum.used_documents += one.charge.used_documents;
        sum.staging_bytes += one.charge.staging_bytes;
        sum.failed_versions += one.charge.failed_versions;
    }
    charge(transaction, QuotaCharge::of(sum), limits).await?;
    let dialect = transaction.dialect();
    let documents = format!(
        "UPDATE documents SET status = x.status, error_code = NULL, error_detail = NULL, \
         revision = revision + 1, updated_at = $2 FROM {} WHERE documents.id = x.id",
        dialect.rows(COLUMNS)
    );
    let row = |one: &Retryable| Row {
        id: one.document.0,
        status: one.status.as_str(),
    };
    let list: Vec<_> = retried.iter().map(row).collect();
    let values = [parameter(&list)?, now.as_micros().into()];
    execute(transaction, documents, values).await?;
    let versions = format!(
        "UPDATE versions SET status = 'pending', error_code = NULL, error_detail = NULL, settled_at = NULL \
         WHERE id IN ({})",
        dialect.ids()
    );
    let list: Vec<_> = retried.iter().map(|one| one.version).collect();
    execute(transaction, versions, [parameter(&list)?]).await?;
    let event = |one: &Retryable| NewEvent {
        owner,
        document: one.document,
        kind: "retried",
        version: Some(one.number),
    };
    let list: Vec<_> = retried.iter().map(event).collect();
    events::add(transaction, &list, now).await?;
    let job = |one: &Retryable| NewJob {
        subject: Some(one.version),
        ..NewJob::without_subject(JobKind::ProcessVersion, owner, now)
    };
    let jobs: Vec<_> = retried.iter().map(job).collect();
    enqueue(transaction, &jobs, now).await?;
    Ok(jobs.into_iter().map(|job| job.id).collect())
}
