//! The run of a worker from start to shutdown.

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
use crate::circuits::{Circuits, Suspect};
use crate::clearance::Clearance;
use crate::crew::work_on;
use crate::herald::Herald;
use crate::lease::Leases;
use crate::name::unique_name;
use crate::presence::Presence;
use crate::remover::Remover;
use crate::role::{WorkerError, WorkerRole};
use crate::schedule;
use crate::settler::Settler;
use crate::tools::{DIRECTORIES, Tools};

/// How long what follows the last job may take: removing bytes, announcing documents. What
/// isn't done by then is done by others.
const AFTERMATH: Duration = Duration::from_secs(5);

/// Works until `shutdown`, then lets jobs in flight finish within the grace period and hands
/// back the rest.
pub async fn run(role: WorkerRole, shutdown: CancellationToken) -> Result<(), WorkerError> {
    let role = Arc::new(WorkerRole {
        concurrency: role.concurrency.max(1),
        // A sweep finds a lease up to a second after its end, and begins jobs that may have killed
        // their worker one after the other: together no more than was said.
        lease: role.lease.saturating_sub(role.lease / 8),
        ..role
    });
    let started_at = role.clock.now();
    let worker = unique_name(started_at);
    info!(worker = %worker, concurrency = role.concurrency, "a worker starts");
    let (herald, announcing) = Herald::start(Arc::clone(&role.feed));
    let clearance = Clearance {
        ownership: role.ownership.clone(),
        meters: role.meters.clone(),
    };
    let (remover, removing) =
        Remover::start(role.db.clone(), role.places.clone(), clearance.clone());
    let circuits = Circuits::new(
        role.db.clone(),
        role.places.clone(),
        Arc::clone(&role.clock),
        role.meters.clone(),
    );
    // A schema of another release is known before the first claim.
    circuits.confirm(Suspect::Database).await;
    let settler = Settler::start(
        role.db.clone(),
        Arc::clone(&role.clock),
        herald.clone(),
        circuits.clone(),
    );
    let tools = Arc::new(Tools {
        db: role.db.clone(),
        places: role.places.clone(),
        clock: Arc::clone(&role.clock),
        limits: Arc::clone(&role.limits),
        retention: role.retention,
        circuits: circuits.clone(),
        clearance,
        settler,
        remover,
        directories: Arc::new(Semaphore::new(DIRECTORIES)),
        herald,
    });
    let leases = Leases::default();
    let presence = Presence {
        db: role.db.clone(),
        clock: Arc::clone(&role.clock),
        worker: Arc::clone(&worker),
        queues: role.queues.clone(),
        leases: leases.clone(),
    };
    // Until the last job is done: jobs go on while the worker shuts down.
    let background = start_background(&role, &leases, &presence, &circuits, started_at);
    let ended = work_on_all(&role, &worker, &leases, tools, &shutdown).await;
    drop(background);
    presence.end().await;
    finish(announcing, removing).await;
    info!(worker = %worker, "a worker ended");
    ended
}

fn start_background(
    role: &Arc<WorkerRole>,
    leases: &Leases,
    presence: &Presence,
    circuits: &Circuits,
    started_at: Timestamp,
) -> Vec<AbortOnDropHandle<()>> {
    let (kept, its) = (leases.clone(), Arc::clone(role));
    let renewals = move || {
        kept.clone()
            .keep(its.db.clone(), Arc::clone(&its.clock), its.lease)
    };
    let presence = presence.clone();
    let signs = move || presence.clone().keep(started_at);
    let circuits = circuits.clone();
    let mut background = vec![
        keep_running("leases", renewals),
        keep_running("presence", signs),
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

/// One worker for each queue. If one of them ends by itself, all do.
async fn work_on_all(
    role: &Arc<WorkerRole>,
    worker: &Arc<str>,
    leases: &Leases,
    tools: Arc<Tools>,
    shutdown: &CancellationToken,
) -> Result<(), WorkerError> {
    let mut workers = JoinSet::new();
    let shutdown = shutdown.child_token();
    for queue in &role.queues {
        let (queue, shutdown) = (*queue, shutdown.clone());
        let (role, worker) = (Arc::clone(role), Arc::clone(worker));
        let (leases, tools) = (leases.clone(), Arc::clone(&tools));
        workers
            .spawn(async move { work_on(queue, &role, &worker, &leases, tools, shutdown).await });
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
        warn!("what follows the last jobs is left to others");
    }
}
