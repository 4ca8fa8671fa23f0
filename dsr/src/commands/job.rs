//! Jobs, for admins.

use client::{Job, JobFilter, JobsCancelled, JobsRetried, Uuid};
use futures::StreamExt as _;
use serde_json::json;

use super::listed::listed;
use crate::cli::{JobCommand, Jobs};
use crate::failure::Failure;
use crate::output::{Column, moment};
use crate::session::Session;

const COLUMNS: [Column; 7] = [
    Column::text("ID"),
    Column::text("STATE"),
    Column::text("QUEUE").when_wide(100),
    Column::number("ATTEMPTS"),
    Column::text("CREATED (UTC)").when_wide(120),
    Column::text("KIND"),
    Column::text("LAST ERROR").whole(),
];

/// Runs one of the commands.
pub async fn job(session: &Session<'_>, command: JobCommand) -> Result<(), Failure> {
    match command {
        JobCommand::Ls {
            state,
            which,
            limit,
        } => {
            let filter = JobFilter { state, ..of(which) };
            let jobs = session.client.jobs(&filter).take(limit);
            let none = "No job is like this.";
            listed(session.screen, jobs, &COLUMNS, row, none).await
        }
        JobCommand::Retry { ids, which, .. } if ids.is_empty() => retry_all(session, which).await,
        JobCommand::Retry { ids, .. } => retry_each(session, &ids).await,
        JobCommand::Cancel { queue, kind } => cancel_all(session, queue, kind).await,
    }
}

async fn retry_each(session: &Session<'_>, ids: &[Uuid]) -> Result<(), Failure> {
    for &id in ids {
        let job = session.client.retry_job(id).await?;
        let text = format!("{id}  {}  ready again", job.kind);
        session.screen.result(&job, &text)?;
    }
    Ok(())
}

/// The service takes so many at once as it can; those that stay dead aren't asked for for ever.
async fn retry_all(session: &Session<'_>, which: Jobs) -> Result<(), Failure> {
    let filter = of(which);
    let (mut retried, mut refused) = (0, 0);
    loop {
        let some: JobsRetried = session.client.retry_jobs(&filter).await?;
        retried += some.retried;
        refused += some.refused;
        if !some.more || some.retried == 0 {
            let told = json!({"retried": retried, "refused": refused, "more": some.more});
            let text = format!("{retried} retried, {refused} stay dead");
            return session.screen.result(&told, &text);
        }
    }
}

async fn cancel_all(
    session: &Session<'_>,
    queue: String,
    kind: Option<String>,
) -> Result<(), Failure> {
    let filter = JobFilter {
        state: None,
        queue: Some(queue),
        kind,
    };
    let mut cancelled = 0;
    loop {
        let some: JobsCancelled = session.client.cancel_jobs(&filter).await?;
        cancelled += some.cancelled;
        if !some.more || some.cancelled == 0 {
            let told = json!({"cancelled": cancelled, "more": some.more});
            return session
                .screen
                .result(&told, &format!("{cancelled} cancelled"));
        }
    }
}

fn of(which: Jobs) -> JobFilter {
    JobFilter {
        state: None,
        queue: which.queue,
        kind: which.kind,
    }
}

fn row(job: Job) -> Vec<String> {
    vec![
        job.id.to_string(),
        format!("{:?}", job.state).to_lowercase(),
        job.queue,
        job.attempts.to_string(),
        moment(job.created_at),
        job.kind,
        job.last_error.unwrap_or_else(|| "-".to_owned()),
    ]
}
