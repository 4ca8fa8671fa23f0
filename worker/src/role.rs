//! The worker role of a process: its configuration and its errors.

use std::sync::Arc;
use std::time::Duration;

use domain::{Clock, Limits, Retention};
use ledger::ownership::Ownership;
use ledger::{Database, SecretSealer};
use queue::{Feed, Queue};
use storage::StorageRouter;
use telemetry::Meters;
use tokio::task::JoinError;

/// The configuration of a worker.
#[derive(Clone, Debug)]
pub struct WorkerRole {
    /// The ledger.
    pub db: Database,
    /// The bytes.
    pub places: StorageRouter,
    /// Verifies that the places belong to the ledger.
    pub ownership: Ownership,
    /// Delivers hints and notifications.
    pub feed: Arc<dyn Feed>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The metrics of this process.
    pub meters: Meters,
    /// The operator's limits.
    pub limits: Arc<Limits>,
    /// How long data is kept that nobody needs any more.
    pub retention: Retention,
    /// Sends deliveries to webhooks.
    pub client: outbound::Client,
    /// Opens the secrets of webhooks.
    pub sealer: SecretSealer,
    /// The queues it serves.
    pub queues: Vec<Queue>,
    /// Concurrent jobs of each queue; at least one.
    pub concurrency: usize,
    /// The duration of a lease without renewal.
    pub lease: Duration,
    /// How long jobs in flight may run after shutdown begins.
    pub grace: Duration,
}

/// An unexpected end of a worker.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// The worker of a queue ended.
    #[error("the worker of the queue {queue} ended")]
    Ended {
        /// The queue.
        queue: Queue,
        /// Why.
        #[source]
        source: apalis::prelude::WorkerError,
    },
    /// The task that claims the jobs of a queue panicked.
    #[error("the task that claims jobs of the queue {queue} panicked")]
    Died {
        /// The queue.
        queue: Queue,
        /// Its panic.
        #[source]
        source: JoinError,
    },
    /// The worker of a queue panicked.
    #[error("the worker of a queue panicked")]
    Panicked(#[source] JoinError),
}
