//! `dossier job`: lists jobs, retries dead ones and cancels waiting ones without the API.

use anyhow::{Context as _, bail};
use domain::{AuditEvent, Clock as _, JobId, Limits, SystemClock};
use ledger::{
    Database, JobFilter, JobPage, JobRetry, JobView, cancel_jobs, dead_jobs, list_jobs, retry_jobs,
};
use queue::{JobKind, Queue};
use settings::Resolved;

use super::operator_log::logged;
use crate::{cli, resources};

/// Jobs read or retried in one query.
const PAGE: u32 = 500;

pub async fn run(resolved: &Resolved, command: cli::Job) -> anyhow::Result<()> {
    let db = resources::ledger(resolved).await?;
    match command {
        cli::Job::Ls { state, filter } => {
            let filter = JobFilter {
                states: state,
                ..filter.into()
            };
            list(&db, &filter).await?;
        }
        cli::Job::Cancel { queue, kind } => cancel(&db, queue, kind).await?,
        cli::Job::Retry { ids, all, filter } => {
            if all {
                retry_all(&db, &filter.into(), &resolved.limits).await?;
            } else {
                retry(&db, &ids, &resolved.limits).await?;
            }
        }
    }
    db.close().await.context("failed to close the database")
}

impl From<cli::JobFilter> for JobFilter {
    fn from(filter: cli::JobFilter) -> Self {
        Self {
            states: vec![],
            queue: filter.queue,
            kind: filter.kind,
        }
    }
}

async fn list(db: &Database, filter: &JobFilter) -> anyhow::Result<()> {
    let mut page = JobPage {
        before: None,
        limit: PAGE,
    };
    loop {
        let jobs = list_jobs(db, filter, page).await?;
        for job in &jobs {
            println!("{}", line(job));
        }
        page.before = jobs.last().map(|job| job.id);
        if jobs.is_empty() {
            return Ok(());
        }
    }
}

/// Prints one line per job, escaping line breaks in its error.
fn line(job: &JobView) -> String {
    let error = job.last_error.as_deref().unwrap_or_default();
    let subject = job
        .subject
        .map_or_else(|| "-".to_owned(), |id| id.to_string());
    format!(
        "{}  {:7}  {:11}  {:16}  {subject}  {}  {}  {}",
        job.id,
        job.state.as_str(),
        job.queue.as_str(),
        job.kind,
        job.attempts,
        job.created_at,
        error.escape_debug()
    )
}

async fn retry(db: &Database, ids: &[JobId], limits: &Limits) -> anyhow::Result<()> {
    let on = logged(db, |answers: &Vec<JobRetry>| retried(ids, answers));
    let answers = retry_jobs(&on, ids, limits, SystemClock.now()).await?;
    let mut refused = 0;
    for (id, answer) in ids.iter().zip(answers) {
        let words = match answer {
            JobRetry::Ready(_) => "ready".to_owned(),
            JobRetry::NotFound => "there is no such job".to_owned(),
            JobRetry::NotDead(state) => format!("is {state}; only dead jobs can be retried"),
            JobRetry::NotRetryable => {
                "its version is not the latest failed one, or its bytes are gone".to_owned()
            }
            JobRetry::QuotaExceeded => "its owner's quota is used up".to_owned(),
        };
        refused += usize::from(!matches!(answer, JobRetry::Ready(_)));
        println!("{id}  {words}");
    }
    if refused > 0 {
        bail!("{refused} jobs can't be retried");
    }
    Ok(())
}

async fn retry_all(db: &Database, filter: &JobFilter, limits: &Limits) -> anyhow::Result<()> {
    let mut page = JobPage {
        before: None,
        limit: PAGE,
    };
    let (mut ready, mut refused) = (0, 0);
    loop {
        let jobs = dead_jobs(db, filter, page).await?;
        let on = logged(db, |answers: &Vec<JobRetry>| retried(&jobs, answers));
        for answer in retry_jobs(&on, &jobs, limits, SystemClock.now()).await? {
            match answer {
                JobRetry::Ready(_) => ready += 1,
                _ => refused += 1,
            }
        }
        page.before = jobs.last().copied();
        if jobs.is_empty() {
            println!("{ready} jobs are ready, {refused} stay dead");
            return Ok(());
        }
    }
}

async fn cancel(db: &Database, queue: Queue, kind: Option<JobKind>) -> anyhow::Result<()> {
    let mut cancelled = 0;
    loop {
        let on = logged(db, |jobs: &Vec<JobId>| {
            AuditEvent::jobs_cancelled(jobs).into_iter().collect()
        });
        let jobs = cancel_jobs(&on, (queue, kind), PAGE, SystemClock.now()).await?;
        cancelled += jobs.len();
        if jobs.is_empty() {
            println!("{cancelled} jobs get no attempt any more");
            return Ok(());
        }
    }
}

/// Returns the security log entries of the retried jobs.
fn retried(jobs: &[JobId], answers: &[JobRetry]) -> Vec<AuditEvent> {
    let answered = jobs.iter().zip(answers);
    let ready = answered.filter(|(_, answer)| matches!(answer, JobRetry::Ready(_)));
    let ready: Vec<_> = ready.map(|(job, _)| *job).collect();
    AuditEvent::jobs_retried(&ready).into_iter().collect()
}
