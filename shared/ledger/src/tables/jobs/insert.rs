//! Inserting jobs.

use sea_orm::ConnectionTrait;
use serde::Serialize;
use uuid::Uuid;

use crate::DbError;
use crate::batch::{Columns, Kind, execute, parameter};
use crate::dialect::Dialect;
use domain::{JobId, Timestamp, UserId};
use queue::JobKind;

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

/// Inserts jobs that wait; those whose dedupe key is taken are left out.
pub async fn insert_jobs(
    connection: &impl ConnectionTrait,
    jobs: &[NewJob],
    now: Timestamp,
) -> Result<(), DbError> {
    const COLUMNS: &Columns = &[
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
    struct Row<'a> {
        id: JobId,
        queue: &'static str,
        kind: &'static str,
        subject_id: Option<Uuid>,
        owner_id: UserId,
        dedupe_key: Option<&'a str>,
        max_attempts: u32,
        run_at: Timestamp,
        traceparent: Option<&'a str>,
    }

    fn row(job: &NewJob) -> Row<'_> {
        Row {
            id: job.id,
            queue: job.kind.queue().as_str(),
            kind: job.kind.as_str(),
            subject_id: job.subject,
            owner_id: job.owner,
            dedupe_key: job.dedupe_key.as_deref(),
            max_attempts: job.kind.max_attempts(),
            run_at: job.run_at,
            traceparent: job.traceparent.as_deref(),
        }
    }

    let sql = format!(
        "INSERT INTO jobs (id, queue, kind, subject_id, owner_id, dedupe_key, state, max_attempts, run_at, \
         traceparent, created_at) SELECT x.id, x.queue, x.kind, x.subject_id, x.owner_id, x.dedupe_key, 'ready', \
         x.max_attempts, x.run_at, x.traceparent, $2 FROM {} WHERE true ON CONFLICT (dedupe_key) DO NOTHING",
        Dialect::of(connection).rows(COLUMNS)
    );
    let rows: Vec<_> = jobs.iter().map(row).collect();
    let values = [parameter(&rows)?, now.as_micros().into()];
    execute(connection, sql, values).await?;
    Ok(())
}
