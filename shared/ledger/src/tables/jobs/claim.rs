//! Claiming jobs.

use std::time::Duration;

#[cfg(feature = "test-support")]
use sea_orm::Statement;
use sea_orm::{ConnectionTrait, FromQueryResult, Value};
use uuid::Uuid;

use crate::DbError;
use crate::batch::query;
use crate::dialect::Dialect;
use crate::readable::readable;
use crate::shares::OwnerShare;
use crate::tables::queue_pauses::IS_PAUSED;
use domain::{JobId, Timestamp, UserId};
use queue::{JobKind, Queue};

/// The number of candidates for each wanted job, so that workers that claim concurrently find
/// different ones.
const CHOICE: i64 = 4;

/// A claim: the job, and the fence that its settlement must present.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct JobRef {
    /// The job.
    pub id: JobId,
    /// The number of the claim; a later claim invalidates earlier ones.
    pub fence: i64,
}

/// A job that this process may work on until its lease ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimedJob {
    /// The claim.
    pub job: JobRef,
    /// Its kind.
    pub kind: JobKind,
    /// Its subject.
    pub subject: Option<Uuid>,
    /// The owner whose turn it uses.
    pub owner: UserId,
    /// The number of attempts, including this one.
    pub attempt: u32,
    /// The maximum number of attempts.
    pub max_attempts: u32,
    /// The error of the last failed attempt, if one was recorded.
    pub last_error: Option<String>,
    /// Its W3C trace context.
    pub traceparent: Option<String>,
}

impl ClaimedJob {
    /// Whether an earlier attempt never ended: it may have crashed its worker.
    #[must_use]
    pub const fn is_suspect(&self) -> bool {
        self.attempt > 1 && self.last_error.is_none()
    }
}

/// The parameters of a claim.
#[derive(Clone, Debug)]
pub struct ClaimRequest<'a> {
    /// The queue.
    pub queue: Queue,
    /// The name of the worker, unique per start.
    pub worker: &'a str,
    /// The maximum number of jobs.
    pub limit: usize,
    /// The lease: how long the worker keeps them without renewing.
    pub lease: Duration,
    /// The owner with whom the last round ended.
    pub after: UserId,
    /// The current time.
    pub now: Timestamp,
}

/// Claims due jobs, ready ones and those with an expired lease, in one round over the owners after
/// `after`. Each gets a new fence and one attempt more. One that can't be decoded keeps its lease,
/// so that it doesn't block others.
pub async fn claim(
    connection: &impl ConnectionTrait,
    request: &ClaimRequest<'_>,
    (kinds, share): (&[JobKind], &OwnerShare),
    after: UserId,
) -> Result<Vec<ClaimedJob>, DbError> {
    let dialect = Dialect::of(connection);
    let (sql, values) = claim_statement(dialect, request, (kinds, share), after)?;
    let claimed = query(connection, sql, values).await?;
    Ok(readable(&claimed, |row| {
        ClaimedRow::from_query_result(row, "")?.try_into()
    }))
}

#[derive(FromQueryResult)]
struct ClaimedRow {
    id: Uuid,
    fence: i64,
    kind: String,
    subject_id: Option<Uuid>,
    owner_id: Uuid,
    attempts: i64,
    max_attempts: i64,
    last_error: Option<String>,
    traceparent: Option<String>,
}

impl TryFrom<ClaimedRow> for ClaimedJob {
    type Error = DbError;

    fn try_from(row: ClaimedRow) -> Result<Self, DbError> {
        let corrupt = |column| DbError::corrupt("jobs", column, row.id);
        Ok(Self {
            job: JobRef {
                id: JobId(row.id),
                fence: row.fence,
            },
            kind: row.kind.parse().map_err(|_| corrupt("kind"))?,
            subject: row.subject_id,
            owner: UserId(row.owner_id),
            attempt: u32::try_from(row.attempts).map_err(|_| corrupt("attempts"))?,
            max_attempts: u32::try_from(row.max_attempts).map_err(|_| corrupt("max_attempts"))?,
            last_error: row.last_error,
            traceparent: row.traceparent,
        })
    }
}

fn claim_statement(
    dialect: Dialect,
    request: &ClaimRequest<'_>,
    (kinds, share): (&[JobKind], &OwnerShare),
    after: UserId,
) -> Result<(String, Vec<Value>), DbError> {
    // The candidates are chosen before their rows are looked up: reading the rows of all due jobs
    // would cost as much as the backlog is long. SQLite keeps the order of a cross join; on
    // PostgreSQL no index of waiting jobs serves the second lookup, so it uses the primary key.
    let is_bound = share.could_be_exceeded(request.limit);
    let foremost = if is_bound {
        OwnerShare::foremost(dialect)
    } else {
        "foremost AS (SELECT * FROM (SELECT id, turn, place, true AS fits FROM candidates \
         ORDER BY turn, place LIMIT 1024) bound ORDER BY turn, place LIMIT $5 * $8)"
            .to_owned()
    };
    let lock = dialect.lock_free_rows("jobs");
    // A claim that a crash of the database undoes is made again. Of two workers that then hold the
    // same fence one settles an upload; bulk jobs, whose chunks are long, wait for the disk.
    let sync = match request.queue {
        Queue::Ingest => dialect.without_sync(),
        Queue::Bulk | Queue::Maintenance | Queue::Deliver => "true",
    };
    let sql = format!(
        "{}, {foremost} UPDATE jobs SET state = 'running', attempts = attempts + 1, fence = fence + 1, worker = $6, run_at = $7 \
         WHERE id IN (SELECT jobs.id FROM foremost CROSS JOIN jobs WHERE jobs.id = foremost.id \
         AND jobs.finished_at IS NULL AND jobs.run_at <= $2 \
         ORDER BY foremost.fits DESC, foremost.turn, foremost.place \
         LIMIT (SELECT CASE WHEN count(*) < $5 THEN count(*) ELSE $5 END FROM foremost WHERE foremost.fits){lock}) AND {sync} \
         AND NOT {IS_PAUSED} \
         RETURNING id, fence, kind, subject_id, owner_id, attempts, max_attempts, last_error, traceparent",
        dialect
            .candidates()
            .replace("{known}", &is_of_kind(kinds, request.queue)),
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

/// Returns PostgreSQL's plan of a claim, executed to report its buffers, line by line: planned for
/// its parameters, or once for all.
#[cfg(feature = "test-support")]
pub async fn explain_claim(
    connection: &impl ConnectionTrait,
    request: &ClaimRequest<'_>,
    share: &OwnerShare,
    is_generic: bool,
) -> Result<Vec<String>, DbError> {
    let kinds = (&JobKind::ALL[..], share);
    let (sql, values) = claim_statement(Dialect::of(connection), request, kinds, request.after)?;
    let mode = if is_generic {
        "force_generic_plan"
    } else {
        "force_custom_plan"
    };
    connection
        .execute_unprepared(&format!(
            "SET LOCAL plan_cache_mode = {mode}; PREPARE claim AS {sql}"
        ))
        .await?;
    let places: Vec<_> = (1..=values.len())
        .map(|place| format!("${place}"))
        .collect();
    let execute = format!(
        "EXPLAIN (ANALYZE, BUFFERS, COSTS OFF, TIMING OFF) EXECUTE claim({})",
        places.join(", ")
    );
    let backend = connection.get_database_backend();
    // Parameters of a prepared statement can't be parameters of another.
    let execute = Statement::from_sql_and_values(backend, execute, values).to_string();
    let rows = connection
        .query_all_raw(Statement::from_string(backend, execute))
        .await?;
    connection.execute_unprepared("DEALLOCATE claim").await?;
    rows.into_iter()
        .map(|row| Ok(row.try_get_by_index(0)?))
        .collect()
}

/// A newer release may enqueue kinds that this one doesn't know: they wait for a worker that does.
pub fn is_of_kind(kinds: &[JobKind], queue: Queue) -> String {
    let kinds = kinds.iter().filter(|kind| kind.queue() == queue);
    let kinds: Vec<_> = kinds.map(|kind| format!("'{kind}'")).collect();
    // NULL, since an empty list is a syntax error.
    format!(
        "kind IN (NULL, {})",
        if kinds.is_empty() {
            "NULL".to_owned()
        } else {
            kinds.join(", ")
        }
    )
}
