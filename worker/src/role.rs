//! The worker role of a process: what it needs, and how it can end.

use std::sync::Arc;
use std::time::Duration;

use domain::{Clock, Limits, Retention};
use ledger::Database;
use ledger::ownership::Ownership;
use queue::{Feed, Queue};
use storage::Places;
use telemetry::Meters;
use tokio::task::JoinError;

/// What a worker needs.
#[derive(Clone, Debug)]
pub struct WorkerRole {
    /// The ledger.
    pub db: Database,
    /// The bytes.
    pub places: Places,
    /// Whose these are.
    pub ownership: Ownership,
    /// Where hints come from and settled documents are announced.
    pub feed: Arc<dyn Feed>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// What this process counts of itself.
    pub meters: Meters,
    /// What the operator allows.
    pub limits: Arc<Limits>,
    /// How long what nobody needs any more is kept.
    pub retention: Retention,
    /// The queues it works on.
    pub queues: Vec<Queue>,
    /// How many jobs of each queue it runs at once; at least one.
    pub concurrency: usize,
    /// How long the ledger keeps a job for it without a sign of life.
    pub lease: Duration,
    /// How long jobs in flight may go on after the shutdown began.
    pub grace: Duration,
}

/// A worker that ended though nobody asked it to.
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
    #[error("nobody claims jobs of the queue {queue} any more")]
    Died {
        /// The queue.
        queue: Queue,
        /// Its panic.
        #[source]
        source: JoinError,
    },
    /// The worker of some queue panicked.
    #[error("the worker of a queue panicked")]
    Panicked(#[source] JoinError),
}
