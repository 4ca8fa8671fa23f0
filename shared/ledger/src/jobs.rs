//! The ledger of jobs: enqueue, claim with a lease and a fence, renew, hand back.

use std::time::Duration;

use sea_orm::{ConnectionTrait, Value};
use serde::Serialize;
use uuid::Uuid;

use super::batch::{Columns, Kind, execute, parameter, query};
use super::dialect::Dialect;
use super::readable::readable;
use super::{Database, DbError, OwnerShare};
use domain::{JobId, Timestamp, UserId};
use queue::{JobKind, Queue};

/// How many jobs are looked at for each that is wanted, so that
/// workers which claim at the same moment find different ones.
const CHOICE: i64 = 4;

/// A job to be enqueued.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewJob {
    /// Its id.
    pub id: JobId,
    /// What it does.
    pub kind: JobKind,
    /// What it does it to.
    pub subject: Option<Uuid>,
    /// Whose turn it uses; jobs are claimed in rounds over their owners.
    pub owner: UserId,
    /// No second job with the same key is enqueued.
    pub dedupe_key: Option<String>,
    /// When it is due.
    pub run_at: Timestamp,
    /// The W3C trace context it belongs to.
    pub traceparent: Option<String>,
}

impl NewJob {
    /// A job that is due now and has no subject.
    #[must_use]
    pub fn without_subject(kind: JobKind, owner: UserId, now: Timestamp) -> Self {
        Self {
            id: JobId::new(now),
            kind,
            subject: None,
            owner,
            dedupe_key: None,
            run_at: now,
            traceparent: None,
        }
    }
}

/// A claim: the job and the fence that whoever settles it must show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct JobRef {
    /// The job.
    pub id: JobId,
    /// Counts claims; a later claim makes earlier ones worthless.
    pub fence: i64,
}

/// A job that this process may work on until its lease ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimedJob {
    /// The claim.
    pub job: JobRef,
    /// What it does.
    pub kind: JobKind,
    /// What it does it to.
    pub subject: Option<Uuid>,
    /// Whose turn it uses.
    pub owner: UserId,
    /// How often it was begun, this time included.
    pub attempt: u32,
    /// How often it may be begun.
    pub max_attempts: u32,
    /// What former attempts failed with, if one of them came to an end.
    pub last_error: Option<String>,
    /// The W3C trace context it belongs to.
    pub traceparent: Option<String>,
}

impl ClaimedJob {
    /// Whether it was begun before and nobody ever said how that ended: it may have taken its
    /// worker along.
    #[must_use]
    pub const fn is_suspect(&self) -> bool {
        self.attempt > 1 && self.last_error.is_none()
    }
}

/// Who claims what.
#[derive(Clone, Debug)]
pub struct ClaimRequest<'a> {
    /// The queue.
    pub queue: Queue,
    /// The name of the worker, unique per start.
    pub worker: &'a str,
    /// The most jobs.
    pub limit: usize,
    /// How long the worker keeps them without a sign of life.
    pub lease: Duration,
    /// The owner with whom the last round ended.
    pub after: UserId,
    /// The present moment.
    pub now: Timestamp,
}

const NEW_JOBS: &Columns = &[
    ("id", Kind::Uuid),
    ("queue", Kind::Text),
    ("kind", Kind::Text),
    ("subject_id", Kind::Uuid),
    ("owner_id", Kind::Uuid),
    ("dedupe_key", Kind::Text),
    ("max_attempts", Kind::Integer),
    ("run_at", Kind::Integer),
    ("traceparent", Kind::Text),
];

#[derive(Serialize)]
struct NewJobRow<'a> {
    id: Uuid,
    queue: &'static str,
    kind: &'static str,
    subject_id: Option<Uuid>,
    owner_id: Uuid,
    dedupe_key: Option<&'a str>,
    max_attempts: u32,
    run_at: i64,
    traceparent: Option<&'a str>,
}

/// Enqueues jobs within the caller's transaction; those whose dedupe key is taken are left out.
pub async fn enqueue(
    connection: &impl ConnectionTrait,
    jobs: &[NewJob],
    now: Timestamp,
) -> Result<(), DbError> {
    let list = Dialect::of(connection).rows(NEW_JOBS);
    let sql = format!(
        "INSERT INTO jobs (id, queue, kind, subject_id, owner_id, dedupe_key, state, max_attempts, run_at, \
         traceparent, created_at) SELECT x.id, x.queue, x.kind, x.subject_id, x.owner_id, x.dedupe_key, 'ready', \
         x.max_attempts, x.run_at, x.traceparent, $2 FROM {list} WHERE true ON CONFLICT (dedupe_key) DO NOTHING"
    );
    let row = |job| {
        let NewJob {
            id,
            kind,
            subject,
            owner,
            dedupe_key,
            run_at,
            traceparent,
        }: &NewJob = job;
        NewJobRow {
            id: id.0,
            queue: kind.queue().as_str(),
            kind: kind.as_str(),
            subject_id: *subject,
            owner_id: owner.0,
            dedupe_key: dedupe_key.as_deref(),
            max_attempts: kind.max_attempts(),
            run_at: run_at.as_micros(),
            traceparent: traceparent.as_deref(),
        }
    };
    let list: Vec<_> = jobs.iter().map(row).collect();
    execute(connection, sql, [parameter(&list)?, now.as_micros().into()]).await?;
    Ok(())
}

/// Claims due jobs of a queue, ready ones and those whose lease is over, in
/// rounds over their owners. Each gets a new fence and one attempt more.
pub async fn claim_jobs(
    db: &Database,
    request: &ClaimRequest<'_>,
) -> Result<Vec<ClaimedJob>, DbError> {
    claim_jobs_of(db, request, &JobKind::ALL).await
}

/// The same, of these kinds alone.
pub async fn claim_jobs_of(
    db: &Database,
    request: &ClaimRequest<'_>,
    kinds: &[JobKind],
) -> Result<Vec<ClaimedJob>, DbError> {
    claim_within(db, request, kinds, &OwnerShare::unlimited()).await
}

/// The same for a worker of which no owner may have more than a share.
pub async fn claim_within(
    db: &Database,
    request: &ClaimRequest<'_>,
    kinds: &[JobKind],
    share: &OwnerShare,
) -> Result<Vec<ClaimedJob>, DbError> {
    let claimed = claim_after(db, request, (kinds, share), request.after).await?;
    if claimed.is_empty() && !request.after.0.is_nil() {
        // The round is over: the next one begins with the first owner.
        return claim_after(db, request, (kinds, share), UserId(Uuid::nil())).await;
    }
    Ok(claimed)
}

async fn claim_after(
    db: &Database,
    request: &ClaimRequest<'_>,
    (kinds, share): (&[JobKind], &OwnerShare),
    after: UserId,
) -> Result<Vec<ClaimedJob>, DbError> {
    let (sql, values) = claim_statement(db.dialect(), request, (kinds, share), after)?;
    // One that can't be read stays with its lease: it keeps nobody from the others.
    let claimed = query(db.writer(), sql, values).await?;
    Ok(readable(&claimed, claimed_job))
}

fn claim_statement(
    dialect: Dialect,
    request: &ClaimRequest<'_>,
    (kinds, share): (&[JobKind], &OwnerShare),
    after: UserId,
) -> Result<(String, Vec<Value>), DbError> {
    // Which jobs are foremost is known before their rows are looked up: the rows of all that are due
    // would cost as much as waits. SQLite keeps the order of a cross join; on PostgreSQL no index of
    // waiting jobs fits the second look at a row, so that its key alone is left to find it by.
    let is_bound = share.could_be_exceeded(request.limit);
    let foremost = if is_bound {
        OwnerShare::foremost(dialect)
    } else {
        "foremost AS (SELECT id, turn, place, true AS fits FROM candidates \
         ORDER BY turn, place LIMIT $5 * $8)"
            .to_owned()
    };
    let lock = dialect.lock_free_rows("jobs");
    let sql = format!(
        "{}, {foremost} UPDATE jobs SET state = 'running', attempts = attempts + 1, fence = fence + 1, worker = $6, run_at = $7 \
         WHERE id IN (SELECT jobs.id FROM foremost CROSS JOIN jobs WHERE jobs.id = foremost.id \
         AND jobs.finished_at IS NULL AND jobs.run_at <= $2 \
         ORDER BY foremost.fits DESC, foremost.turn, foremost.place \
         LIMIT (SELECT CASE WHEN count(*) < $5 THEN count(*) ELSE $5 END FROM foremost WHERE foremost.fits){lock}) \
         RETURNING id, fence, kind, subject_id, owner_id, attempts, max_attempts, last_error, traceparent",
        dialect
            .candidates()
            .replace("{known}", &one_of(kinds, request.queue)),
    );
    let limit = i64::try_from(request.limit).unwrap_or(i64::MAX);
    let mut values = vec![
        request.queue.as_str().into(),
        request.now.as_micros().into(),
        after.0.into(),
        limit.min(share.most()).saturating_mul(CHOICE).into(),
        limit.into(),
        request.worker.into(),
        request.now.plus(request.lease).as_micros().into(),
        CHOICE.into(),
    ];
    if is_bound {
        values.extend(share.values()?);
    }
    Ok((sql, values))
}

/// How the database claims, line by line, in its own words. PostgreSQL does it to tell the buffers.
#[cfg(feature = "test-support")]
pub async fn explain_claim(
    db: &Database,
    request: &ClaimRequest<'_>,
    share: &OwnerShare,
) -> Result<Vec<String>, DbError> {
    let kinds = (&JobKind::ALL[..], share);
    let (sql, values) = claim_statement(db.dialect(), request, kinds, request.after)?;
    let (explain, column) = db.dialect().explain_cost();
    let rows = query(db.writer(), format!("{explain} {sql}"), values).await?;
    rows.into_iter()
        .map(|row| Ok(row.try_get_by_index(column)?))
        .collect()
}

/// A newer release may enqueue kinds that this one doesn't know: they wait for a worker that does.
pub(super) fn one_of(kinds: &[JobKind], queue: Queue) -> String {
    let kinds = kinds.iter().filter(|kind| kind.queue() == queue);
    let kinds: Vec<_> = kinds.map(|kind| format!("'{kind}'")).collect();
    // NULL, so that a queue without kinds is no syntax error.
    format!(
        "kind IN (NULL, {})",
        if kinds.is_empty() {
            "NULL".to_owned()
        } else {
            kinds.join(", ")
        }
    )
}

fn claimed_job(row: &sea_orm::QueryResult) -> Result<ClaimedJob, DbError> {
    let id: Uuid = row.try_get("", "id")?;
    let corrupt = |column| DbError::corrupt("jobs", column, id);
    let kind: String = row.try_get("", "kind")?;
    let count = |column| -> Result<u32, DbError> {
        u32::try_from(row.try_get::<i64>("", column)?).map_err(|_| corrupt(column))
    };
    Ok(ClaimedJob {
        job: JobRef {
            id: JobId(id),
            fence: row.try_get("", "fence")?,
        },
        kind: kind.parse().map_err(|_| corrupt("kind"))?,
        subject: row.try_get("", "subject_id")?,
        owner: UserId(row.try_get("", "owner_id")?),
        attempt: count("attempts")?,
        max_attempts: count("max_attempts")?,
        last_error: row.try_get("", "last_error")?,
        traceparent: row.try_get("", "traceparent")?,
    })
}

const CLAIMS: &Columns = &[("id", Kind::Uuid), ("fence", Kind::Integer)];

#[derive(Serialize)]
struct ClaimRow {
    id: Uuid,
    fence: i64,
}

fn claim_rows(jobs: &[JobRef]) -> Result<sea_orm::Value, DbError> {
    let list: Vec<_> = jobs
        .iter()
        .map(|job| ClaimRow {
            id: job.id.0,
            fence: job.fence,
        })
        .collect();
    parameter(&list)
}

/// Renews the leases of running jobs until `until`, and gives those that are lost: somebody else
/// has claimed them since. One that was settled under its claim isn't: whoever settled it may not
/// have heard yet that it is committed, and must not be cut off before.
pub async fn renew_leases(
    db: &Database,
    jobs: &[JobRef],
    until: Timestamp,
) -> Result<Vec<JobRef>, DbError> {
    let list = db.dialect().rows(CLAIMS);
    let renew = format!(
        "UPDATE jobs SET run_at = $2 FROM {list} WHERE jobs.id = x.id AND jobs.fence = x.fence \
         AND jobs.worker IS NOT NULL"
    );
    let values = [claim_rows(jobs)?, until.as_micros().into()];
    let renewed = execute(db.writer(), renew, values).await?;
    if renewed == jobs.len() as u64 {
        return Ok(Vec::new());
    }
    let taken = format!(
        "SELECT x.id, x.fence FROM {list} WHERE NOT EXISTS \
         (SELECT 1 FROM jobs WHERE jobs.id = x.id AND jobs.fence = x.fence)"
    );
    let taken = query(db.reader(), taken, [claim_rows(jobs)?]).await?;
    taken
        .iter()
        .map(|row| {
            Ok(JobRef {
                id: JobId(row.try_get_by_index(0)?),
                fence: row.try_get_by_index(1)?,
            })
        })
        .collect()
}

/// Gives back jobs that were claimed but not begun: due at once, the attempt not counted.
pub async fn hand_back(db: &Database, jobs: &[JobRef], now: Timestamp) -> Result<(), DbError> {
    if jobs.is_empty() {
        return Ok(());
    }
    let list = db.dialect().rows(CLAIMS);
    let sql = format!(
        "UPDATE jobs SET state = 'ready', worker = NULL, attempts = attempts - 1, run_at = $2 FROM {list} \
         WHERE jobs.id = x.id AND jobs.fence = x.fence AND jobs.worker IS NOT NULL"
    );
    execute(
        db.writer(),
        sql,
        [claim_rows(jobs)?, now.as_micros().into()],
    )
    .await?;
    Ok(())
}

/// Gives back what `worker` has claimed without ever hearing of it, because the answer was lost:
/// all that it has of a queue, save for what it holds. Due at once, the attempt not counted.
pub async fn hand_back_unheard(
    db: &Database,
    queue: Queue,
    worker: &str,
    held: &[JobRef],
    now: Timestamp,
) -> Result<u64, DbError> {
    let held: Vec<_> = held.iter().map(|job| job.id.0).collect();
    let sql = format!(
        "UPDATE jobs SET state = 'ready', worker = NULL, attempts = attempts - 1, run_at = $2 \
         WHERE queue = $3 AND state = 'running' AND worker = $4 AND id NOT IN ({})",
        db.dialect().ids()
    );
    let values = [
        parameter(&held)?,
        now.as_micros().into(),
        queue.as_str().into(),
        worker.into(),
    ];
    execute(db.writer(), sql, values).await
}
