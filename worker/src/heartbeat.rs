//! Records a heartbeat of this worker with the number of its jobs, for operators. Nothing else
//! depends on it: a lost heartbeat only makes the list of workers slightly stale.

use std::sync::Arc;
use std::time::Duration;

use domain::{Clock, Timestamp};
use ledger::{Database, WorkerStatus};
use queue::Queue;
use tokio::time::{sleep, timeout};
use tracing::debug;

use crate::lease::Leases;

/// The heartbeat interval: several in the time after which a worker counts as silent.
const EVERY: Duration = Duration::from_secs(5);

/// How long a worker that stops waits for the removal of its row. Other workers remove it later.
const PATIENCE: Duration = Duration::from_secs(2);

/// What a heartbeat reports.
#[derive(Clone, Debug)]
pub struct Heartbeat {
    /// The ledger it is recorded in.
    pub db: Database,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Its name.
    pub worker: Arc<str>,
    /// The queues it serves.
    pub queues: Vec<Queue>,
    /// The jobs it holds.
    pub leases: Leases,
}

impl Heartbeat {
    /// Records heartbeats forever, the first one at `started_at`.
    pub async fn keep(self, started_at: Timestamp) {
        let mut at = started_at;
        loop {
            if let Err(error) = ledger::record_heartbeat(&self.db, &self.status(at)).await {
                debug!(
                    error = &error as &dyn std::error::Error,
                    "failed to record a heartbeat"
                );
            }
            sleep(EVERY).await;
            at = self.clock.now();
        }
    }

    /// Removes the worker from the list of live workers.
    pub async fn end(self) {
        let forgotten = timeout(PATIENCE, ledger::forget_worker(&self.db, &self.worker)).await;
        if !matches!(forgotten, Ok(Ok(()))) {
            debug!("failed to remove the worker from the list; it stays until it counts as silent");
        }
    }

    fn status(&self, at: Timestamp) -> WorkerStatus {
        WorkerStatus {
            name: self.worker.to_string(),
            queues: self.queues.clone(),
            running: u32::try_from(self.leases.count()).unwrap_or(u32::MAX),
            at,
        }
    }
}
