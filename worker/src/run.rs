//! Runs a worker from start to shutdown.

use std::sync::Arc;
use std::time::Duration;

use domain::Timestamp;
use queue::Queue;
use tokio::sync::Semaphore;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use tracing::{info, warn};

use crate::background::keep_running;
use crate::circuits::{Circuits, Outage};
use crate::due_jobs::DueJobs;
use crate::heartbeat::Heartbeat;
use crate::lease::Leases;
use crate::name::unique_name;
use crate::notifier::Notifier;
use crate::outcome_committer::OutcomeCommitter;
use crate::queue_worker::work_on;
use crate::removal_guard::RemovalGuard;
use crate::remover::Remover;
use crate::role::{WorkerError, WorkerRole};
use crate::schedule;
use crate::tools::{DIRECTORIES, Tools};
use crate::webhooks::{Sender, dispatch};

/// The time limit for removing bytes and sending notifications after the last job. Other workers do
/// what is left.
const AFTERMATH: Duration = Duration::from_secs(5);

/// Works until `shutdown`, then lets jobs in flight finish within the grace period and releases the
/// rest.
pub async fn run(role: WorkerRole, shutdown: CancellationToken) -> Result<(), WorkerError> {
    let role = Arc::new(WorkerRole {
        concurrency: role.concurrency.max(1),
        // Polling finds an expired lease up to a second late, and crash suspects start one after
        // the other: together within the configured time.
        lease: role.lease.saturating_sub(role.lease / 8),
        ..role
    });
    let started_at = role.clock.now();
    let worker = unique_name(started_at);
    info!(worker = %worker, queues = ?role.queues, concurrency = role.concurrency, "worker started");
    let (notifier, announcing) = Notifier::start(Arc::clone(&role.feed));
    let removal_guard = RemovalGuard {
        db: role.db.clone(),
        ownership: role.ownership.clone(),
        meters: role.meters.clone(),
    };
    let (remover, removing) =
        Remover::start(role.db.clone(), role.places.clone(), removal_guard.clone());
    let circuits = Circuits::new(
        role.db.clone(),
        role.places.clone(),
        Arc::clone(&role.clock),
        role.meters.clone(),
    );
    // Detect a schema of another release before the first claim.
    circuits.confirm(Outage::Database).await;
    let committer = OutcomeCommitter::start(
        role.db.clone(),
        Arc::clone(&role.clock),
        notifier.clone(),
        circuits.clone(),
    );
    let tools = Arc::new(Tools {
        db: role.db.clone(),
        places: role.places.clone(),
        clock: Arc::clone(&role.clock),
        limits: Arc::clone(&role.limits),
        retention: role.retention,
        circuits: circuits.clone(),
        removal_guard,
        committer,
        remover,
        directories: Arc::new(Semaphore::new(DIRECTORIES)),
        notifier: notifier.clone(),
        webhooks: Sender::new(
            (role.client.clone(), role.sealer.clone()),
            role.meters.clone(),
            role.concurrency,
        ),
        shutdown: shutdown.clone(),
    });
    let leases = Leases::default();
    let heartbeat = Heartbeat {
        db: role.db.clone(),
        clock: Arc::clone(&role.clock),
        worker: Arc::clone(&worker),
        queues: role.queues.clone(),
        leases: leases.clone(),
    };
    // Kept until the last job is done: jobs run on while the worker shuts down.
    let mut background = start_background(&role, &leases, &heartbeat, &circuits, started_at);
    background.extend(start_dispatcher(&role, notifier));
    let ended = work_on_all(&role, &worker, &leases, tools, &shutdown).await;
    drop(background);
    heartbeat.end().await;
    finish(announcing, removing).await;
    info!(worker = %worker, "worker ended");
    ended
}

fn start_background(
    role: &Arc<WorkerRole>,
    leases: &Leases,
    heartbeat: &Heartbeat,
    circuits: &Circuits,
    started_at: Timestamp,
) -> Vec<AbortOnDropHandle<()>> {
    let (kept, its) = (leases.clone(), Arc::clone(role));
    let renewals = move || {
        kept.clone()
            .keep(its.db.clone(), Arc::clone(&its.clock), its.lease)
    };
    let heartbeat = heartbeat.clone();
    let signs = move || heartbeat.clone().keep(started_at);
    let circuits = circuits.clone();
    let mut background = vec![
        keep_running("leases", renewals),
        keep_running("heartbeat", signs),
        keep_running("circuits", move || circuits.clone().watch()),
    ];
    if role.queues.contains(&Queue::Maintenance) {
        let its = Arc::clone(role);
        let schedules =
            move || schedule::keep(its.db.clone(), Arc::clone(&its.clock), its.retention);
        background.push(keep_running("schedules", schedules));
    }
    background
}

/// Has webhooks followed, if this worker delivers.
fn start_dispatcher(role: &Arc<WorkerRole>, notifier: Notifier) -> Option<AbortOnDropHandle<()>> {
    let its = Arc::clone(role);
    let begin = move || dispatch(its.db.clone(), Arc::clone(&its.clock), notifier.clone());
    role.queues
        .contains(&Queue::Deliver)
        .then(|| keep_running("webhooks", begin))
}

/// Runs one worker for each queue. If one ends unexpectedly, all are stopped.
async fn work_on_all(
    role: &Arc<WorkerRole>,
    worker: &Arc<str>,
    leases: &Leases,
    tools: Arc<Tools>,
    shutdown: &CancellationToken,
) -> Result<(), WorkerError> {
    let mut workers = JoinSet::new();
    let (db, clock) = (role.db.clone(), Arc::clone(&role.clock));
    let due = Arc::new(DueJobs::new(db, clock, role.queues.clone()));
    let shutdown = shutdown.child_token();
    for queue in &role.queues {
        let (queue, shutdown) = (*queue, shutdown.clone());
        let (role, worker) = (Arc::clone(role), Arc::clone(worker));
        let (leases, tools) = (leases.clone(), Arc::clone(&tools));
        let due = Arc::clone(&due);
        workers.spawn(async move {
            work_on(queue, &role, (&worker, due), &leases, tools, shutdown).await
        });
    }
    drop(tools);
    let mut result = Ok(());
    while let Some(ended) = workers.join_next().await {
        shutdown.cancel();
        let ended = ended.unwrap_or_else(|error| Err(WorkerError::Panicked(error)));
        result = result.and(ended);
    }
    result
}

async fn finish(announcing: JoinHandle<()>, removing: JoinHandle<()>) {
    let both = async { tokio::join!(announcing, removing) };
    if timeout(AFTERMATH, both).await.is_err() {
        warn!("removals and notifications of the last jobs are left to other workers");
    }
}
