//! Lists jobs for operators.

use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    Select,
};
use uuid::Uuid;

use crate::readable::ReadablePage;
use crate::tables::jobs::{Column, Entity, JobView};
use crate::{Database, DbError};
use domain::JobId;
use queue::{JobKind, JobState, Queue};

/// A filter of jobs, which have to match every condition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JobFilter {
    /// In one of these states; empty means any.
    pub states: Vec<JobState>,
    /// In this queue.
    pub queue: Option<Queue>,
    /// Of this kind.
    pub kind: Option<JobKind>,
}

/// A page of jobs, newest first: those created before `before`.
#[derive(Clone, Copy, Debug)]
pub struct JobPage {
    /// The last job of the previous page.
    pub before: Option<JobId>,
    /// The maximum number of jobs.
    pub limit: u32,
}

/// Returns a page of the jobs that match `filter`, newest first.
pub async fn list_jobs(
    db: &Database,
    filter: &JobFilter,
    page: JobPage,
) -> Result<Vec<JobView>, DbError> {
    let mut jobs = ReadablePage::behind(page.before, page.limit.into());
    while jobs.wants_more() {
        let page = JobPage {
            before: jobs.behind,
            ..page
        };
        let found = select(filter, page).all(db.reader()).await?;
        jobs.add(found, |row| Ok(JobId(row.id)), JobView::try_from)?;
    }
    Ok(jobs.into_items())
}

/// Returns the job with this id.
pub async fn find_job(db: &Database, id: JobId) -> Result<Option<JobView>, DbError> {
    job_within(db.reader(), id).await
}

/// Returns the job as the caller's transaction sees it.
pub(super) async fn job_within(
    connection: &impl ConnectionTrait,
    id: JobId,
) -> Result<Option<JobView>, DbError> {
    let found = Entity::find_by_id(id.0).one(connection).await?;
    found.map(JobView::try_from).transpose()
}

/// Returns the ids of dead jobs that match the other conditions of `filter`, newest first.
pub async fn dead_jobs(
    db: &Database,
    filter: &JobFilter,
    page: JobPage,
) -> Result<Vec<JobId>, DbError> {
    let filter = JobFilter {
        states: vec![JobState::Dead],
        ..filter.clone()
    };
    let ids = select(&filter, page).select_only().column(Column::Id);
    let ids: Vec<Uuid> = ids.into_tuple().all(db.reader()).await?;
    Ok(ids.into_iter().map(JobId).collect())
}

fn select(filter: &JobFilter, page: JobPage) -> Select<Entity> {
    let words: Vec<_> = JobState::ALL
        .into_iter()
        .filter(|state| filter.states.contains(state))
        .map(|state| format!("'{state}'"))
        .collect();
    // States are literals, as in the conditions of the indexes.
    let states = match words.as_slice() {
        [] => None,
        [state] => Some(format!("state = {state}")),
        states => Some(format!("state IN ({})", states.join(", "))),
    };
    let queue = filter.queue.map(|queue| Column::Queue.eq(queue.as_str()));
    let kind = filter.kind.map(|kind| Column::Kind.eq(kind.as_str()));
    let before = page.before.map(|before| Column::Id.lt(before.0));
    let conditions = Condition::all()
        .add_option(states.map(Expr::cust))
        .add_option(queue)
        .add_option(kind)
        .add_option(before);
    Entity::find()
        .filter(conditions)
        .order_by_desc(Column::Id)
        .limit(u64::from(page.limit))
}
