//! How busy one connection is, so that one without a request can be closed.

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
    had_a_request: bool,
    /// When the last change was.
    since: Instant,
}

/// A request in flight, until the last byte of its answer is handed over.
#[derive(Debug)]
pub(super) struct InFlight(Arc<Activity>);

impl Default for Activity {
    fn default() -> Self {
        Self {
            state: Mutex::new(State {
                in_flight: 0,
                had_a_request: false,
                since: Instant::now(),
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
        InFlight(Arc::clone(self))
    }

    /// Since when no request has been in flight; `None` while one is.
    pub(super) fn idle_since(&self) -> Option<Instant> {
        let state = self.lock();
        (state.in_flight == 0).then_some(state.since)
    }

    /// Returns once a request is in flight, or after `patience`.
    pub(super) async fn busy(&self, patience: Duration) {
        let begun = async {
            loop {
                let mut changed = std::pin::pin!(self.changed.notified());
                changed.as_mut().enable();
                if self.idle_since().is_none() {
                    return;
                }
                changed.await;
            }
        };
        let _ = tokio::time::timeout(patience, begun).await;
    }

    /// Returns once no request was in flight for `first` (before the first
    /// request) or `later` (after it).
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

impl Drop for InFlight {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.in_flight -= 1;
        state.since = Instant::now();
        drop(state);
        self.0.changed.notify_waiters();
    }
}
