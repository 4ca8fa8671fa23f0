//! Tracks the requests of a connection, so that an idle one can be closed.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

/// Counts the requests in flight on one connection.
#[derive(Debug)]
pub(super) struct Activity {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Clone, Copy, Debug)]
struct State {
    in_flight: usize,
    /// The admitted ones.
    admitted: usize,
    had_a_request: bool,
    /// When the count last changed.
    since: Instant,
    /// When the last admitted one ended.
    vacant_since: Instant,
}

/// A request in flight, until the last byte of its response is written.
#[derive(Debug)]
pub(super) struct InFlight {
    activity: Arc<Activity>,
    is_admitted: bool,
}

impl Default for Activity {
    fn default() -> Self {
        Self {
            state: Mutex::new(State {
                in_flight: 0,
                admitted: 0,
                had_a_request: false,
                since: Instant::now(),
                vacant_since: Instant::now(),
            }),
            changed: Notify::new(),
        }
    }
}

impl Activity {
    pub(super) fn begin(self: &Arc<Self>) -> InFlight {
        let mut state = self.lock();
        state.in_flight += 1;
        state.had_a_request = true;
        drop(state);
        self.changed.notify_waiters();
        InFlight {
            activity: Arc::clone(self),
            is_admitted: false,
        }
    }

    /// Returns since when the connection has had no admitted request; `None` while it has one.
    /// Refused requests don't count.
    pub(super) fn vacant_since(&self) -> Option<Instant> {
        let state = self.lock();
        (state.admitted == 0).then_some(state.vacant_since)
    }

    /// Waits until the connection has no admitted request.
    pub(super) async fn vacant(&self) {
        loop {
            let mut changed = std::pin::pin!(self.changed.notified());
            changed.as_mut().enable();
            if self.vacant_since().is_some() {
                return;
            }
            changed.await;
        }
    }

    fn is_idle(&self) -> bool {
        self.lock().in_flight == 0
    }

    /// Waits until a request is in flight, or for `patience`.
    pub(super) async fn busy(&self, patience: Duration) {
        let begun = async {
            loop {
                let mut changed = std::pin::pin!(self.changed.notified());
                changed.as_mut().enable();
                if !self.is_idle() {
                    return;
                }
                changed.await;
            }
        };
        let _ = tokio::time::timeout(patience, begun).await;
    }

    /// Waits until no request was in flight for `first` (before the first request) or `later`
    /// (after it).
    pub(super) async fn quiet(&self, first: Duration, later: Duration) {
        loop {
            let mut changed = std::pin::pin!(self.changed.notified());
            // From here on no change is missed, even one before the await below.
            changed.as_mut().enable();
            let state = *self.lock();
            let limit = if state.had_a_request { later } else { first };
            if state.in_flight > 0 {
                changed.await;
            } else if tokio::time::timeout(limit, changed).await.is_err() {
                return;
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl InFlight {
    /// Marks the request as admitted.
    pub(super) fn admit(&mut self) {
        if !self.is_admitted {
            self.is_admitted = true;
            self.activity.lock().admitted += 1;
        }
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        let mut state = self.activity.lock();
        state.in_flight -= 1;
        state.since = Instant::now();
        if self.is_admitted {
            state.admitted -= 1;
            state.vacant_since = state.since;
        }
        drop(state);
        self.activity.changed.notify_waiters();
    }
}
