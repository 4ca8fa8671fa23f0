//! The open connections: bounds their number, and closes idle ones to make room for others.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use telemetry::{Held, Meters};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::activity::Activity;
use crate::capacity::{Account, FILES_OF_REQUEST, FILES_OF_STREAM};

/// How long a connection may be idle before it may be closed to make room.
const IDLE_AT_LEAST: Duration = Duration::from_secs(1);
/// How often idle connections are searched for while the limit is reached.
const PAUSE: Duration = Duration::from_millis(100);
/// The share of connections closed at a time, since searching is costly.
const AT_A_TIME: usize = 64;

/// The accepted connections of a listener.
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

/// The place of a connection among all, counted by the files that its requests may open.
#[derive(Debug)]
pub(super) struct Slot(OwnedSemaphorePermit);

impl Slot {
    /// Gives back the files that a stream of events doesn't open.
    pub(super) fn opens_no_files(&mut self) {
        drop(self.0.split((FILES_OF_REQUEST - FILES_OF_STREAM) as usize));
    }
}

/// A registered connection, until dropped.
#[derive(Debug)]
pub(super) struct Registered {
    connections: Arc<Connections>,
    number: u64,
    /// Cancelled to make room.
    pub(super) close: CancellationToken,
}

impl Connections {
    /// Creates a limit of `most` connections, with metrics.
    pub(super) fn new(most: usize, meters: Meters) -> Self {
        Self {
            slots: Arc::new(Semaphore::new(most * FILES_OF_REQUEST as usize)),
            most,
            open: Mutex::default(),
            next: AtomicU64::new(0),
            meters,
        }
    }

    /// Waits until one more may be accepted. `None` if closed.
    pub(super) async fn slot(&self) -> Option<Slot> {
        loop {
            if let Ok(slot) = Arc::clone(&self.slots).try_acquire_many_owned(FILES_OF_REQUEST) {
                return Some(Slot(slot));
            }
            self.close_idle();
            tokio::select! {
                biased;
                slot = Arc::clone(&self.slots).acquire_many_owned(FILES_OF_REQUEST) => return slot.ok().map(Slot),
                () = sleep(PAUSE) => {}
            }
        }
    }

    /// Registers an accepted connection.
    pub(super) fn register(
        self: &Arc<Self>,
        account: Account,
        activity: &Arc<Activity>,
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
        }
    }

    /// Closes some idle connections: those of the addresses with the most connections, longest idle
    /// first.
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
