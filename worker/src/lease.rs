//! The leases of all jobs in flight, renewed together. A job whose lease is lost is cancelled; the
//! worker that has claimed it since settles it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::Clock;
use ledger::{Database, JobRef};
use queue::Queue;
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;
use tracing::warn;

/// Renewals in the time of a lease: two may fail.
const RENEWALS_PER_LEASE: u32 = 3;

/// The pause before a failed renewal is retried: once the database is back, other workers claim
/// expired jobs within moments.
const AGAIN: Duration = Duration::from_secs(1);

/// The leases of the jobs in flight in this process.
#[derive(Clone, Debug, Default)]
pub struct Leases {
    held: Arc<Mutex<HashMap<JobRef, Entry>>>,
}

#[derive(Debug)]
struct Entry {
    queue: Queue,
    lost: CancellationToken,
}

/// The result of a renewal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Renewed {
    All,
    None,
}

/// A lease that is renewed until this value is dropped.
#[derive(Debug)]
pub struct Held {
    leases: Leases,
    job: JobRef,
    lost: CancellationToken,
}

impl Held {
    /// Waits until the lease is lost.
    pub async fn lost(&self) {
        self.lost.cancelled().await;
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.leases.entries().remove(&self.job);
    }
}

impl Leases {
    /// Starts renewing the lease of `job`.
    pub fn hold(&self, queue: Queue, job: JobRef) -> Held {
        let lost = CancellationToken::new();
        let entry = Entry {
            queue,
            lost: lost.clone(),
        };
        self.entries().insert(job, entry);
        Held {
            leases: self.clone(),
            job,
            lost,
        }
    }

    /// Returns the number of jobs in flight.
    pub fn count(&self) -> usize {
        self.entries().len()
    }

    /// Returns the jobs in flight of a queue.
    pub fn held_of(&self, queue: Queue) -> Vec<JobRef> {
        let entries = self.entries();
        let of_queue = entries.iter().filter(|(_, entry)| entry.queue == queue);
        of_queue.map(|(job, _)| *job).collect()
    }

    /// Renews all leases three times in their duration, forever.
    pub async fn keep(self, db: Database, clock: Arc<dyn Clock>, lease: Duration) {
        let period = (lease / RENEWALS_PER_LEASE).max(Duration::from_millis(1));
        let mut ticks = interval(period);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            // A renewal that hangs must not delay the next one.
            let renewed = timeout(period.max(AGAIN), self.renew(&db, &*clock, lease)).await;
            if renewed != Ok(Renewed::All) {
                ticks.reset_after(period.min(AGAIN));
            }
        }
    }

    async fn renew(&self, db: &Database, clock: &dyn Clock, lease: Duration) -> Renewed {
        let held: Vec<_> = self.entries().keys().copied().collect();
        if held.is_empty() {
            return Renewed::All;
        }
        match ledger::renew_leases(db, &held, clock.now().plus(lease)).await {
            Ok(lost) => {
                for job in &lost {
                    self.lose(job);
                }
                Renewed::All
            }
            // They may still be held; the fence decides when they are settled.
            Err(error) => {
                warn!(
                    error = &error as &dyn std::error::Error,
                    jobs = held.len(),
                    "failed to renew leases"
                );
                Renewed::None
            }
        }
    }

    /// The attempt may have just ended; then there is nothing to cancel.
    fn lose(&self, job: &JobRef) {
        if let Some(entry) = self.entries().get(job) {
            entry.lost.cancel();
        }
    }

    fn entries(&self) -> MutexGuard<'_, HashMap<JobRef, Entry>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
