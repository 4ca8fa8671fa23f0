//! What deliveries are sent with, created once per process.

use std::sync::Arc;

use ledger::SecretSealer;
use outbound::Client;
use telemetry::Meters;
use tokio::sync::Semaphore;

/// The most jobs of the queue `deliver` in a worker. They wait for endpoints most of the time: each holds
/// a connection, or four, and the bodies of up to eight events, of at most 20 KiB each.
const MOST: usize = 256;

/// Jobs at once that read and write the ledger, whose connections others need as well.
const LEDGER: usize = 16;

/// Returns how many jobs of the queue `deliver` a worker with this concurrency runs.
pub fn delivering(concurrency: usize) -> usize {
    concurrency.saturating_mul(4).min(MOST)
}

/// Sends deliveries.
#[derive(Clone, Debug)]
pub struct Sender {
    /// The guarded client.
    pub client: Client,
    /// Opens the secrets that sign.
    pub sealer: SecretSealer,
    /// Counts attempts.
    pub meters: Meters,
    /// Turns of endpoints that fail: a quarter of all jobs is left to those that answer.
    pub failing: Arc<Semaphore>,
    /// Turns of jobs at the ledger.
    pub ledger: Arc<Semaphore>,
}

impl Sender {
    /// Creates it for a worker with this concurrency.
    pub fn new(
        (client, sealer): (Client, SecretSealer),
        meters: Meters,
        concurrency: usize,
    ) -> Self {
        let jobs = delivering(concurrency);
        Self {
            client,
            sealer,
            meters,
            failing: Arc::new(Semaphore::new(jobs - jobs.div_ceil(4))),
            ledger: Arc::new(Semaphore::new(LEDGER)),
        }
    }
}
