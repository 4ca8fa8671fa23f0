//! Retries dead jobs: they become ready with a fresh attempt count, and their failed versions
//! pending.
//!
//! A version is retried as by its owner: its document becomes pending, its bytes are reserved
//! again, and either all of that is committed or nothing. A job isn't retried unless its version
//! waits for it: two jobs of one version would remove each other's bytes.

use std::collections::{HashMap, HashSet};

use sea_orm::FromQueryResult;
use uuid::Uuid;

use super::jobs::job_within;
use crate::batch::{parameter, query_as};
use crate::fresh_attempts::{FailedVersion, reserve, return_to_pending};
use crate::tables::jobs::{JobView, retry_dead};
use crate::{Commit, DatabaseTransaction, DbError};
use domain::{ByteSize, DocumentId, JobId, Limits, Timestamp, UserId, VersionId};
use queue::{JobKind, JobState, Queue};

/// The result of retrying a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobRetry {
    /// The job is ready, in this queue.
    Ready(Queue),
    /// The job doesn't exist.
    NotFound,
    /// The job isn't dead, but in this state.
    NotDead(JobState),
    /// Its version isn't the document's latest one, or hasn't failed, or its bytes are gone.
    NotRetryable,
    /// Its version doesn't fit into the owner's quota.
    QuotaExceeded,
}

/// A version that failed with its job.
struct FailedWithJob {
    job: Uuid,
    version: FailedVersion,
}

/// Retries a dead job. Returns its new state, or why it can't be retried.
pub async fn retry_job(
    db: &impl Commit<JobView>,
    job: JobId,
    limits: &Limits,
    now: Timestamp,
) -> Result<Result<JobView, JobRetry>, DbError> {
    let transaction = db.database().begin().await?;
    let answers = retry_within(&transaction, &[job], limits, now).await?;
    let answer = answers.first().copied().unwrap_or(JobRetry::NotFound);
    let (JobRetry::Ready(_), Some(view)) = (answer, job_within(&transaction, job).await?) else {
        return Ok(Err(answer));
    };
    db.commit(transaction, &view).await?;
    Ok(Ok(view))
}

/// Retries dead jobs in one transaction; the results are in the order of `jobs`.
pub async fn retry_jobs(
    on: &impl Commit<Vec<JobRetry>>,
    jobs: &[JobId],
    limits: &Limits,
    now: Timestamp,
) -> Result<Vec<JobRetry>, DbError> {
    let transaction = on.database().begin().await?;
    let answers = retry_within(&transaction, jobs, limits, now).await?;
    on.commit(transaction, &answers).await?;
    Ok(answers)
}

async fn retry_within(
    transaction: &DatabaseTransaction,
    jobs: &[JobId],
    limits: &Limits,
    now: Timestamp,
) -> Result<Vec<JobRetry>, DbError> {
    let failed = lock_failed(transaction, jobs).await?;
    let locked = lock_jobs(transaction, jobs).await?;
    let dead = |job: &Uuid| {
        matches!(
            locked.get(job),
            Some(LockedJob {
                state: JobState::Dead,
                ..
            })
        )
    };
    let failed: Vec<_> = failed.into_iter().filter(|one| dead(&one.job)).collect();
    let versions: Vec<_> = failed.iter().map(|one| one.version).collect();
    let reserved = reserve(transaction, &versions, limits).await?;

    let answer = |job: &JobId| {
        let Some(locked) = locked.get(&job.0) else {
            return JobRetry::NotFound;
        };
        if locked.state != JobState::Dead {
            return JobRetry::NotDead(locked.state);
        }
        let ready = JobRetry::Ready(locked.queue);
        if locked.kind != JobKind::ProcessVersion.as_str() {
            return ready;
        }
        match failed.iter().find(|one| one.job == job.0) {
            None => JobRetry::NotRetryable,
            Some(one) if reserved.contains(&one.version.id) => ready,
            Some(_) => JobRetry::QuotaExceeded,
        }
    };
    let answers: Vec<_> = jobs.iter().map(answer).collect();
    let ready: Vec<_> = jobs
        .iter()
        .zip(&answers)
        .filter(|(_, answer)| matches!(answer, JobRetry::Ready(_)))
        .map(|(job, _)| *job)
        .collect();
    let retried = versions
        .into_iter()
        .filter(|one| reserved.contains(&one.id));
    return_to_pending(transaction, &retried.collect::<Vec<_>>(), None, now).await?;
    if !ready.is_empty() {
        retry_dead(transaction, &ready, now).await?;
    }
    Ok(answers)
}

/// Locks the versions, and their documents, that failed with one of the dead `jobs` and can be
/// retried. Returns one job for each version.
async fn lock_failed(
    transaction: &DatabaseTransaction,
    jobs: &[JobId],
) -> Result<Vec<FailedWithJob>, DbError> {
    #[derive(FromQueryResult)]
    struct Row {
        job: Uuid,
        version: Uuid,
        document: Uuid,
        owner_id: Uuid,
        number: i64,
        size_bytes: i64,
        status: String,
    }

    let dialect = transaction.dialect();
    let lock = dialect.lock_rows("d, v");
    let sql = format!(
        "SELECT j.id AS job, v.id AS version, d.id AS document, d.owner_id, v.number, v.size_bytes, d.status \
         FROM jobs j JOIN versions v ON v.id = j.subject_id JOIN documents d ON d.id = v.document_id \
         WHERE j.id IN ({}) AND j.state = 'dead' AND j.kind = '{}' AND v.status = 'error' \
         AND v.staged_url IS NOT NULL AND d.latest_version = v.number AND d.status <> 'archived' \
         ORDER BY d.id, v.id, j.id{lock}",
        dialect.ids(),
        JobKind::ProcessVersion,
    );
    let mut versions = HashSet::new();
    let mut failed = Vec::new();
    let found: Vec<Row> = query_as(transaction, sql, [parameter(jobs)?]).await?;
    for row in found {
        let number = u32::try_from(row.number);
        let status = row.status.parse();
        let version = FailedVersion {
            id: VersionId(row.version),
            number: number.map_err(|_| DbError::corrupt("versions", "number", row.version))?,
            size: ByteSize::new(row.size_bytes.unsigned_abs()),
            document: DocumentId(row.document),
            owner: UserId(row.owner_id),
            status: status.map_err(|_| DbError::corrupt("documents", "status", row.document))?,
        };
        if versions.insert(version.id) {
            failed.push(FailedWithJob {
                job: row.job,
                version,
            });
        }
    }
    Ok(failed)
}

struct LockedJob {
    queue: Queue,
    kind: String,
    state: JobState,
}

/// Locks those of `jobs` that exist.
async fn lock_jobs(
    transaction: &DatabaseTransaction,
    jobs: &[JobId],
) -> Result<HashMap<Uuid, LockedJob>, DbError> {
    #[derive(FromQueryResult)]
    struct Row {
        id: Uuid,
        queue: String,
        kind: String,
        state: String,
    }

    let dialect = transaction.dialect();
    let lock = dialect.lock_rows("jobs");
    let sql = format!(
        "SELECT id, queue, kind, state FROM jobs WHERE id IN ({}) ORDER BY id{lock}",
        dialect.ids(),
    );
    let mut locked = HashMap::new();
    let found: Vec<Row> = query_as(transaction, sql, [parameter(jobs)?]).await?;
    for row in found {
        let corrupt = |column| DbError::corrupt("jobs", column, row.id);
        locked.insert(
            row.id,
            LockedJob {
                queue: row.queue.parse().map_err(|_| corrupt("queue"))?,
                state: row.state.parse().map_err(|_| corrupt("state"))?,
                kind: row.kind,
            },
        );
    }
    Ok(locked)
}
