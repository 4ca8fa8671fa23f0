//! `dossier queue`: lists queues, and pauses and resumes them without the API.

use anyhow::Context as _;
use domain::{AuditEvent, AuditKind, Clock as _, SystemClock};
use ledger::{QueuePause, QueueState, pause_queue, queue_states, resume_queue};
use serde_json::json;
use settings::Resolved;

use super::operator_log::logged;
use crate::{cli, resources};

pub async fn run(resolved: &Resolved, command: cli::QueueCommand) -> anyhow::Result<()> {
    let db = resources::ledger(resolved).await?;
    let now = SystemClock.now();
    match command {
        cli::QueueCommand::Ls => {
            for state in queue_states(&db, now).await? {
                println!("{}", line(&state));
            }
        }
        cli::QueueCommand::Pause { queue } => {
            pause_queue(&logged(&db, event(AuditKind::QueuePaused)), queue, now).await?;
            println!("{queue} is paused");
        }
        cli::QueueCommand::Resume { queue } => {
            resume_queue(&logged(&db, event(AuditKind::QueueResumed)), queue, now).await?;
            println!("{queue} is not paused");
        }
    }
    db.close().await.context("failed to close the database")
}

fn line(state: &QueueState) -> String {
    let paused = state
        .paused_at
        .map_or_else(|| "-".to_owned(), |since| format!("paused since {since}"));
    format!(
        "{:11}  {} waiting  {} running  {} dead  {paused}",
        state.queue.as_str(),
        state.depth,
        state.running,
        state.dead
    )
}

/// The entry of a change in the security log.
pub(super) fn event(kind: AuditKind) -> impl Fn(&QueuePause) -> Vec<AuditEvent> {
    move |pause| vec![AuditEvent::new(kind, pause.queue, json!({}))]
}
