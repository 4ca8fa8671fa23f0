//! Trying dead jobs again: they become ready with attempts anew, and failed versions pending.
//!
//! A version that is to be processed again goes the way of its owner's own retry: its document
//! goes back to pending, its bytes are reserved anew, and all of it happens or nothing. No job is
//! made ready for a version that doesn't wait for it: two jobs of one version would take each
//! other's bytes away.

use std::collections::{HashMap, HashSet};

use serde::Serialize;
use uuid::Uuid;

use super::jobs::{JobView, job_within};
use crate::batch::{Columns, Kind, execute, parameter, query};
use crate::tables::users::{Charge, QuotaCharge, charge_quota};
use crate::{Commit, DatabaseTransaction, DbError};
use domain::{JobId, Limits, Status, Timestamp, Transition};
use queue::{JobKind, JobState, Queue};

/// What became of the wish to try a job again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobRetry {
    /// It is ready, in this queue.
    Ready(Queue),
    /// There is no such job.
    NotFound,
    /// It is in another state than dead.
    NotDead(JobState),
    /// Its version is not the document's latest one that failed, or its bytes are gone.
    NotRetryable,
    /// Its version doesn't fit into the owner's quota.
    QuotaExceeded,
}

/// A version that failed with its job, in a form that a retry needs.
struct Failed {
    job: Uuid,
    version: Uuid,
    document: Uuid,
    owner: Uuid,
    number: i64,
    size: i64,
    /// Whether its document is in `error` with it.
    status: Status,
}

/// Tries a dead job again, and gives what it is then; or says why not.
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

/// Tries dead jobs again, in one transaction; the answers are in the order of `jobs`.
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
    let failed = hold_failed(transaction, jobs).await?;
    let known = hold_dead(transaction, jobs).await?;
    let dead = |job: &Uuid| {
        matches!(
            known.get(job),
            Some(Known {
                state: JobState::Dead,
                ..
            })
        )
    };
    let failed: Vec<_> = failed.into_iter().filter(|one| dead(&one.job)).collect();
    let charged = charge(transaction, &failed, limits).await?;

    let answer = |job: &JobId| {
        let Some(known) = known.get(&job.0) else {
            return JobRetry::NotFound;
        };
        if known.state != JobState::Dead {
            return JobRetry::NotDead(known.state);
        }
        let ready = JobRetry::Ready(known.queue);
        if known.kind != JobKind::ProcessVersion.as_str() {
            return ready;
        }
        match failed.iter().find(|one| one.job == job.0) {
            None => JobRetry::NotRetryable,
            Some(one) if charged.contains(&one.version) => ready,
            Some(_) => JobRetry::QuotaExceeded,
        }
    };
    let answers: Vec<_> = jobs.iter().map(answer).collect();
    let ready: Vec<_> = jobs
        .iter()
        .zip(&answers)
        .filter(|(_, answer)| matches!(answer, JobRetry::Ready(_)))
        .map(|(job, _)| job.0)
        .collect();
    let again: Vec<_> = failed
        .iter()
        .filter(|one| charged.contains(&one.version))
        .collect();
    put_back(transaction, &again, now).await?;
    revive(transaction, &ready, now).await?;
    Ok(answers)
}

/// Locks the versions, and their documents, that failed with one of the dead `jobs` and can be
/// processed again: for each version one of its jobs.
async fn hold_failed(
    transaction: &DatabaseTransaction,
    jobs: &[JobId],
) -> Result<Vec<Failed>, DbError> {
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
    for row in query(transaction, sql, [parameter(jobs)?]).await? {
        let document: Uuid = row.try_get("", "document")?;
        let status: String = row.try_get("", "status")?;
        let one = Failed {
            job: row.try_get("", "job")?,
            version: row.try_get("", "version")?,
            document,
            owner: row.try_get("", "owner_id")?,
            number: row.try_get("", "number")?,
            size: row.try_get("", "size_bytes")?,
            status: status
                .parse()
                .map_err(|_| DbError::corrupt("documents", "status", document))?,
        };
        if versions.insert(one.version) {
            failed.push(one);
        }
    }
    Ok(failed)
}

struct Known {
    queue: Queue,
    kind: String,
    state: JobState,
}

/// Locks those of `jobs` that are there.
async fn hold_dead(
    transaction: &DatabaseTransaction,
    jobs: &[JobId],
) -> Result<HashMap<Uuid, Known>, DbError> {
    let dialect = transaction.dialect();
    let lock = dialect.lock_rows("jobs");
    let sql = format!(
        "SELECT id, queue, kind, state FROM jobs WHERE id IN ({}) ORDER BY id{lock}",
        dialect.ids(),
    );
    let mut known = HashMap::new();
    for row in query(transaction, sql, [parameter(jobs)?]).await? {
        let id: Uuid = row.try_get("", "id")?;
        let corrupt = |column| DbError::corrupt("jobs", column, id);
        let text = |column| -> Result<String, DbError> { Ok(row.try_get("", column)?) };
        known.insert(
            id,
            Known {
                queue: text("queue")?.parse().map_err(|_| corrupt("queue"))?,
                kind: text("kind")?,
                state: text("state")?.parse().map_err(|_| corrupt("state"))?,
            },
        );
    }
    Ok(known)
}

/// Reserves what the versions need, for each owner as a whole, or, where that doesn't fit, for as
/// many as do; gives those that fit.
async fn charge(
    transaction: &DatabaseTransaction,
    failed: &[Failed],
    limits: &Limits,
) -> Result<HashSet<Uuid>, DbError> {
    let mut sums: HashMap<Uuid, Charge> = HashMap::new();
    for one in failed {
        let charge = one.charge();
        let sum = sums.entry(one.owner).or_insert(Charge::to(one.owner));
        sum.reserved_bytes = sum.reserved_bytes.saturating_add(charge.reserved_bytes);
        sum.used_documents += charge.used_documents;
        sum.staging_bytes = -sum.reserved_bytes;
        sum.failed_versions += charge.failed_versions;
    }
    let sums: Vec<_> = sums.into_values().map(QuotaCharge::of).collect();
    let whole = charge_quota(transaction, limits, &sums).await?;
    let mut charged = HashSet::new();
    for one in failed {
        let fits = whole.contains(&one.owner)
            || !charge_quota(transaction, limits, &[QuotaCharge::of(one.charge())])
                .await?
                .is_empty();
        if fits {
            charged.insert(one.version);
        }
    }
    Ok(charged)
}

impl Failed {
    /// What it takes from the quota when it is pending again, and gives back as a failed version.
    fn charge(&self) -> Charge {
        Charge {
            reserved_bytes: self.size,
            used_documents: i64::from(self.status == Status::Error),
            staging_bytes: -self.size,
            failed_versions: -1,
            ..Charge::to(self.owner)
        }
    }
}

const AGAIN: &Columns = &[
    ("version_id", Kind::Uuid),
    ("document_id", Kind::Uuid),
    ("owner_id", Kind::Uuid),
    ("number", Kind::Integer),
    ("status", Kind::Text),
];

#[derive(Serialize)]
struct AgainRow {
    version_id: Uuid,
    document_id: Uuid,
    owner_id: Uuid,
    number: i64,
    status: &'static str,
}

/// Makes versions pending, with their documents where those failed with them.
async fn put_back(
    transaction: &DatabaseTransaction,
    again: &[&Failed],
    now: Timestamp,
) -> Result<(), DbError> {
    if again.is_empty() {
        return Ok(());
    }
    let dialect = transaction.dialect();
    let list = dialect.rows(AGAIN);
    let row = |one: &&Failed| AgainRow {
        version_id: one.version,
        document_id: one.document,
        owner_id: one.owner,
        number: one.number,
        // One that readers get a version of stays what it is.
        status: one
            .status
            .after(Transition::Retry)
            .unwrap_or(one.status)
            .as_str(),
    };
    let list_of_rows = parameter(&again.iter().map(row).collect::<Vec<_>>())?;
    let versions = format!(
        "UPDATE versions SET status = 'pending', error_code = NULL, error_detail = NULL, settled_at = NULL \
         FROM {list} WHERE versions.id = x.version_id"
    );
    execute(transaction, versions, [list_of_rows.clone()]).await?;
    let documents = format!(
        "UPDATE documents SET status = x.status, error_code = NULL, error_detail = NULL, \
         revision = revision + 1, updated_at = $2 FROM {list} WHERE documents.id = x.document_id"
    );
    let at = || now.as_micros().into();
    execute(transaction, documents, [list_of_rows.clone(), at()]).await?;
    let data = dialect.json_object("version", "x.number");
    let events = format!(
        "INSERT INTO events (owner_id, document_id, kind, data, at) \
         SELECT x.owner_id, x.document_id, 'retried', {data}, $2 FROM {list}"
    );
    execute(transaction, events, [list_of_rows, at()]).await?;
    Ok(())
}

/// Makes jobs ready, due now, with attempts anew. Their fences stay: earlier claims are worthless.
async fn revive(
    transaction: &DatabaseTransaction,
    jobs: &[Uuid],
    now: Timestamp,
) -> Result<(), DbError> {
    if jobs.is_empty() {
        return Ok(());
    }
    let sql = format!(
        "UPDATE jobs SET state = 'ready', attempts = 0, run_at = $2, last_error = NULL, finished_at = NULL \
         WHERE id IN ({}) AND state = 'dead'",
        transaction.dialect().ids(),
    );
    let values = [parameter(jobs)?, now.as_micros().into()];
    execute(transaction, sql, values).await?;
    Ok(())
}
