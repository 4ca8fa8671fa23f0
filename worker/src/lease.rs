//! The leases of all jobs in flight, renewed together. A job whose lease was lost is
//! cancelled: whoever claimed it since settles it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::Clock;
use ledger::{Database, JobRef};
use queue::Queue;
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;
use tracing::warn;

/// How often a lease is renewed in its time: two renewals may fail.
const RENEWALS_PER_LEASE: u32 = 3;

/// How soon a renewal that failed is tried again: the database may be back, and others wait only
/// a moment before they claim what seems to be over.
const AGAIN: Duration = Duration::from_secs(1);

/// The jobs in flight of this process.
#[derive(Clone, Debug, Default)]
pub struct Leases {
    held: Arc<Mutex<HashMap<JobRef, Entry>>>,
}

#[derive(Debug)]
struct Entry {
    queue: Queue,
    lost: CancellationToken,
}

/// Whether leases were renewed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Renewed {
    All,
    None,
}

/// A lease that is renewed until this is dropped.
#[derive(Debug)]
pub struct Held {
    leases: Leases,
    job: JobRef,
    lost: CancellationToken,
}

impl Held {
    /// Returns once the lease is lost.
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
    /// Renews the lease of `job` from now on.
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

    /// How many jobs are in flight.
    pub fn count(&self) -> usize {
        self.entries().len()
    }

    /// The jobs in flight of a queue.
    pub fn held_of(&self, queue: Queue) -> Vec<JobRef> {
        let entries = self.entries();
        let of_queue = entries.iter().filter(|(_, entry)| entry.queue == queue);
        of_queue.map(|(job, _)| *job).collect()
    }

    /// Renews all leases whenever a third of their time is over, for ever.
    pub async fn keep(self, db: Database, clock: Arc<dyn Clock>, lease: Duration) {
        let period = (lease / RENEWALS_PER_LEASE).max(Duration::from_millis(1));
        let mut ticks = interval(period);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            // One that hangs must not take the time of the next one.
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
            // They may still be held: the fence decides when they are settled.
            Err(error) => {
                warn!(
                    error = &error as &dyn std::error::Error,
                    jobs = held.len(),
                    "leases were not renewed"
                );
                Renewed::None
            }
        }
    }

    /// Its attempt may have ended a moment ago: then nobody is left to be told.
    fn lose(&self, job: &JobRef) {
        if let Some(entry) = self.entries().get(job) {
            entry.lost.cancel();
        }
    }

    fn entries(&self) -> MutexGuard<'_, HashMap<JobRef, Entry>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
