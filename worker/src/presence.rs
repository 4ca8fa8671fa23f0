//! Says that this worker is alive and what it holds, so that operators see it. Nothing else
//! depends on it: a sign that is lost costs nothing but a look that is a little old.

use std::sync::Arc;
use std::time::Duration;

use domain::{Clock, Timestamp};
use ledger::{Database, WorkerSign};
use queue::Queue;
use tokio::time::{sleep, timeout};
use tracing::debug;

use crate::lease::Leases;

/// How often a worker says that it is alive: several times in the time for which it counts as that.
const EVERY: Duration = Duration::from_secs(5);

/// How long the end of a worker waits for its row to go. Others forget it a little later.
const PATIENCE: Duration = Duration::from_secs(2);

/// What a worker shows of itself.
#[derive(Clone, Debug)]
pub struct Presence {
    /// Where it is shown.
    pub db: Database,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Its name.
    pub worker: Arc<str>,
    /// The queues it works on.
    pub queues: Vec<Queue>,
    /// The jobs it holds.
    pub leases: Leases,
}

impl Presence {
    /// Gives signs of life, the first one at `started_at`, for ever.
    pub async fn keep(self, started_at: Timestamp) {
        let mut at = started_at;
        loop {
            if let Err(error) = ledger::see_worker(&self.db, &self.sign(at)).await {
                debug!(
                    error = &error as &dyn std::error::Error,
                    "a sign of life was lost"
                );
            }
            sleep(EVERY).await;
            at = self.clock.now();
        }
    }

    /// Takes the worker off the list of those alive.
    pub async fn end(self) {
        let forgotten = timeout(PATIENCE, ledger::forget_worker(&self.db, &self.worker)).await;
        if !matches!(forgotten, Ok(Ok(()))) {
            debug!("the worker stays on the list until it counts as silent");
        }
    }

    fn sign(&self, at: Timestamp) -> WorkerSign {
        WorkerSign {
            name: self.worker.to_string(),
            queues: self.queues.clone(),
            running: u32::try_from(self.leases.count()).unwrap_or(u32::MAX),
            at,
        }
    }
}
