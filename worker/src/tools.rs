//! The services that job handlers use, created once per process.

use std::sync::Arc;

use domain::{Clock, Limits, Retention};
use ledger::Database;
use storage::StorageRouter;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::circuits::Circuits;
use crate::notifier::Notifier;
use crate::outcome_committer::OutcomeCommitter;
use crate::removal_guard::RemovalGuard;
use crate::remover::Remover;
use crate::webhooks::Sender;

/// The services of a worker process.
#[derive(Clone, Debug)]
pub struct Tools {
    /// The ledger.
    pub db: Database,
    /// The bytes.
    pub places: StorageRouter,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The operator's limits.
    pub limits: Arc<Limits>,
    /// The retention settings.
    pub retention: Retention,
    /// The circuit breakers.
    pub circuits: Circuits,
    /// Guards every removal of bytes.
    pub removal_guard: RemovalGuard,
    /// Commits outcomes.
    pub committer: OutcomeCommitter,
    /// Removes bytes that no row refers to.
    pub remover: Remover,
    /// Limits how many archive directories are read at once: each is held in memory.
    pub directories: Arc<Semaphore>,
    /// Notifies of new jobs and ended operations.
    pub notifier: Notifier,
    /// Sends deliveries to webhooks.
    pub webhooks: Sender,
    /// Cancelled when the worker is to end: jobs that could go on for long leave the rest to others.
    pub shutdown: CancellationToken,
}

/// Archive directories that a process reads at once.
pub const DIRECTORIES: usize = 2;
