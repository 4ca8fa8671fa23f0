//! Queues, the schedule and workers, for admins.

use client::{Queue, QueuePause, ScheduledJob, Worker};

use super::listed::{listed, listed_all};
use crate::cli::QueueCommand;
use crate::failure::Failure;
use crate::output::{Column, moment};
use crate::session::Session;

const QUEUES: [Column; 6] = [
    Column::text("QUEUE"),
    Column::number("WAITING"),
    Column::number("RUNNING"),
    Column::number("DEAD"),
    Column::number("OLDEST"),
    Column::text("STATUS").whole(),
];

const SCHEDULE: [Column; 4] = [
    Column::text("NEXT (UTC)"),
    Column::number("EVERY"),
    Column::text("QUEUE"),
    Column::text("JOB"),
];

const WORKERS: [Column; 4] = [
    Column::number("RUNNING"),
    Column::text("SEEN (UTC)"),
    Column::text("QUEUES").whole(),
    Column::text("NAME").whole(),
];

/// Runs one of the commands on queues.
pub async fn queue(session: &Session<'_>, command: QueueCommand) -> Result<(), Failure> {
    let (client, screen) = (&session.client, session.screen);
    match command {
        QueueCommand::Ls => {
            let queues = client.queues().await?;
            listed_all(screen, queues, &QUEUES, queue_row, "There are no queues.").await
        }
        QueueCommand::Pause { queue } => tell(session, &client.pause_queue(&queue).await?),
        QueueCommand::Resume { queue } => tell(session, &client.resume_queue(&queue).await?),
    }
}

/// Lists the recurring jobs.
pub async fn schedule(session: &Session<'_>) -> Result<(), Failure> {
    let jobs = session.client.schedule().await?;
    let row = |job: ScheduledJob| {
        let every = format!("{} s", job.every_seconds);
        vec![moment(job.next_at), every, job.queue, job.kind]
    };
    listed_all(session.screen, jobs, &SCHEDULE, row, "Nothing recurs.").await
}

/// Lists the workers.
pub async fn workers(session: &Session<'_>) -> Result<(), Failure> {
    let workers = session.client.workers();
    let row = |worker: Worker| {
        vec![
            worker.running.to_string(),
            moment(worker.last_seen),
            worker.queues.join(","),
            worker.name,
        ]
    };
    listed(
        session.screen,
        workers,
        &WORKERS,
        row,
        "No worker is alive.",
    )
    .await
}

fn queue_row(queue: Queue) -> Vec<String> {
    let oldest = queue.oldest_seconds;
    let mut status = if queue.paused { "paused" } else { "open" }.to_owned();
    if let Some(parts) = queue.waits_for.filter(|parts| !parts.is_empty()) {
        status = format!("{status}, waits for {}", parts.join(", "));
    }
    vec![
        queue.queue,
        queue.depth.to_string(),
        queue.running.to_string(),
        queue.dead.to_string(),
        oldest.map_or_else(|| "-".to_owned(), |oldest| format!("{oldest:.0} s")),
        status,
    ]
}

fn tell(session: &Session<'_>, pause: &QueuePause) -> Result<(), Failure> {
    let state = match pause.paused_at {
        Some(since) => format!("paused since {} UTC", moment(since)),
        None => "open".to_owned(),
    };
    session
        .screen
        .result(pause, &format!("{}  {state}", pause.queue))
}
