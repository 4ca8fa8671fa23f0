//! Jobs one by one, as operators list them.

use sea_orm::{ConnectionTrait, QueryResult};
use uuid::Uuid;

use crate::batch::query;
use crate::readable::ReadablePage;
use crate::values::Values;
use crate::{Database, DbError};
use domain::{JobId, Timestamp};
use queue::{JobKind, JobState, Queue};

/// Which jobs are meant: those that meet every condition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JobFilter {
    /// One of these states; none means any.
    pub states: Vec<JobState>,
    /// In this queue.
    pub queue: Option<Queue>,
    /// Of this kind.
    pub kind: Option<JobKind>,
}

/// A page of jobs, newest first: those made before `before`.
#[derive(Clone, Copy, Debug)]
pub struct JobPage {
    /// The last job of the page before.
    pub before: Option<JobId>,
    /// The most jobs.
    pub limit: u32,
}

/// A job as operators see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobView {
    /// Its id.
    pub id: JobId,
    /// Its queue.
    pub queue: Queue,
    /// What it does; perhaps something that only a newer release knows.
    pub kind: String,
    /// How far it is.
    pub state: JobState,
    /// What it does it to.
    pub subject: Option<Uuid>,
    /// How often it was begun.
    pub attempts: u32,
    /// Why the last attempt that failed did.
    pub last_error: Option<String>,
    /// When it was enqueued.
    pub created_at: Timestamp,
}

const COLUMNS: &str = "id, queue, kind, state, subject_id, attempts, last_error, created_at";

/// A page of the jobs that `filter` means, newest first.
pub async fn list_jobs(
    db: &Database,
    filter: &JobFilter,
    page: JobPage,
) -> Result<Vec<JobView>, DbError> {
    let mut jobs = ReadablePage::behind(page.before, page.limit.into());
    while jobs.wants_more() {
        let mut values = Values::default();
        let page = JobPage {
            before: jobs.behind,
            ..page
        };
        let conditions = conditions(filter, page, &mut values);
        let sql = format!(
            "SELECT {COLUMNS} FROM jobs WHERE {conditions} ORDER BY id DESC LIMIT {}",
            page.limit
        );
        let found = query(db.reader(), sql, values.into_vec()).await?;
        let id = |row: &QueryResult| Ok(JobId(row.try_get("", "id")?));
        jobs.add(found, id, |row| view(&row))?;
    }
    Ok(jobs.into_items())
}

/// The job with that id.
pub async fn find_job(db: &Database, id: JobId) -> Result<Option<JobView>, DbError> {
    job_within(db.reader(), id).await
}

/// The same, as the caller's transaction sees it.
pub(super) async fn job_within(
    connection: &impl ConnectionTrait,
    id: JobId,
) -> Result<Option<JobView>, DbError> {
    let sql = format!("SELECT {COLUMNS} FROM jobs WHERE id = $1");
    let found = query(connection, sql, [id.0.into()]).await?;
    found.first().map(view).transpose()
}

/// The ids of dead jobs that `filter` means besides their state, newest first.
pub async fn dead_jobs(
    db: &Database,
    filter: &JobFilter,
    page: JobPage,
) -> Result<Vec<JobId>, DbError> {
    let filter = JobFilter {
        states: vec![JobState::Dead],
        ..filter.clone()
    };
    let mut values = Values::default();
    let conditions = conditions(&filter, page, &mut values);
    let sql = format!(
        "SELECT id FROM jobs WHERE {conditions} ORDER BY id DESC LIMIT {}",
        page.limit
    );
    let found = query(db.reader(), sql, values.into_vec()).await?;
    found
        .iter()
        .map(|row| Ok(JobId(row.try_get_by_index(0)?)))
        .collect()
}

fn conditions(filter: &JobFilter, page: JobPage, values: &mut Values) -> String {
    let mut conditions = vec!["true".to_owned()];
    // States are written out, as the conditions of the indexes are.
    conditions.extend(match filter.states.as_slice() {
        [] => None,
        [state] => Some(format!("state = '{state}'")),
        states => {
            let words: Vec<_> = JobState::ALL
                .into_iter()
                .filter(|state| states.contains(state))
                .map(|state| format!("'{state}'"))
                .collect();
            Some(format!("state IN ({})", words.join(", ")))
        }
    });
    if let Some(queue) = filter.queue {
        conditions.push(format!("queue = {}", values.bind(queue.as_str())));
    }
    if let Some(kind) = filter.kind {
        conditions.push(format!("kind = {}", values.bind(kind.as_str())));
    }
    if let Some(before) = page.before {
        conditions.push(format!("id < {}", values.bind(before.0)));
    }
    conditions.join(" AND ")
}

fn view(row: &QueryResult) -> Result<JobView, DbError> {
    let id: Uuid = row.try_get("", "id")?;
    let corrupt = |column| DbError::corrupt("jobs", column, id);
    let text = |column| -> Result<String, DbError> { Ok(row.try_get("", column)?) };
    let attempts: i64 = row.try_get("", "attempts")?;
    Ok(JobView {
        id: JobId(id),
        queue: text("queue")?.parse().map_err(|_| corrupt("queue"))?,
        kind: text("kind")?,
        state: text("state")?.parse().map_err(|_| corrupt("state"))?,
        subject: row.try_get("", "subject_id")?,
        attempts: u32::try_from(attempts).map_err(|_| corrupt("attempts"))?,
        last_error: row.try_get("", "last_error")?,
        created_at: Timestamp::from_micros(row.try_get("", "created_at")?),
    })
}
