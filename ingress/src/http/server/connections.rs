//! The open connections: their number is bounded, and those without a request that was let in make
//! room for others when there is none left.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use telemetry::{Held, Meters};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::activity::Activity;
use crate::capacity::Account;

/// A connection that has just come, or has just been answered, is given as long for its next
/// request before it has to make room.
const IDLE_AT_LEAST: Duration = Duration::from_secs(1);
/// How often idle connections are looked for while there is no room.
const PAUSE: Duration = Duration::from_millis(100);
/// Of all connections so many make room at a time: looking through them has its price.
const AT_A_TIME: usize = 64;

/// The connections that one listener has accepted.
#[derive(Debug)]
pub(super) struct Connections {
    slots: Arc<Semaphore>,
    most: usize,
    open: Mutex<HashMap<u64, Open>>,
    next: AtomicU64,
    meters: Meters,
}

#[derive(Debug)]
struct Open {
    account: Account,
    activity: Arc<Activity>,
    close: CancellationToken,
}

/// A connection among the others, until it is dropped.
#[derive(Debug)]
pub(super) struct Registered {
    connections: Arc<Connections>,
    number: u64,
    /// Cancelled when it has to make room.
    pub(super) close: CancellationToken,
    _slot: Option<OwnedSemaphorePermit>,
}

impl Connections {
    /// At most `most` connections, whose number the meters show.
    pub(super) fn new(most: usize, meters: Meters) -> Self {
        Self {
            slots: Arc::new(Semaphore::new(most)),
            most,
            open: Mutex::default(),
            next: AtomicU64::new(0),
            meters,
        }
    }

    /// Waits until one more may be accepted. `None` if none ever may.
    pub(super) async fn slot(&self) -> Option<OwnedSemaphorePermit> {
        loop {
            if let Ok(slot) = Arc::clone(&self.slots).try_acquire_owned() {
                return Some(slot);
            }
            self.close_idle();
            tokio::select! {
                biased;
                slot = Arc::clone(&self.slots).acquire_owned() => return slot.ok(),
                () = sleep(PAUSE) => {}
            }
        }
    }

    /// Adds an accepted connection; one that is accepted during shutdown needs no slot.
    pub(super) fn register(
        self: &Arc<Self>,
        account: Account,
        activity: &Arc<Activity>,
        slot: Option<OwnedSemaphorePermit>,
    ) -> Registered {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let close = CancellationToken::new();
        let open = Open {
            account,
            activity: Arc::clone(activity),
            close: close.clone(),
        };
        let mut all = self.lock();
        all.insert(number, open);
        self.show(all.len());
        Registered {
            connections: Arc::clone(self),
            number,
            close,
            _slot: slot,
        }
    }

    /// Has some connections closed that have no request, or only refused ones: of the addresses
    /// that hold the most, and of those the ones that have been idle for the longest.
    fn close_idle(&self) {
        let now = Instant::now();
        let all = self.lock();
        let mut held: HashMap<Account, usize> = HashMap::new();
        for open in all.values() {
            *held.entry(open.account).or_default() += 1;
        }
        let idle = all.values().filter_map(|open| {
            let since = open.activity.vacant_since()?;
            let is_old = now.duration_since(since) >= IDLE_AT_LEAST && !open.close.is_cancelled();
            is_old.then(|| (held.get(&open.account).copied().unwrap_or(0), since, open))
        });
        let mut idle: Vec<_> = idle.collect();
        idle.sort_unstable_by_key(|(held, since, _)| (std::cmp::Reverse(*held), *since));
        idle.truncate((self.most / AT_A_TIME).max(1));
        for (_, _, open) in &idle {
            open.close.cancel();
        }
        self.meters.closed_idle(idle.len());
    }

    fn show(&self, open: usize) {
        self.meters.held(Held::Connections, open as u64);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        let mut all = self.connections.lock();
        all.remove(&self.number);
        self.connections.show(all.len());
    }
}
