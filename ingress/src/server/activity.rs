//! How busy one connection is, so that one without a request can be closed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::Notify;

/// Counts the requests in flight on one connection.
#[derive(Debug, Default)]
pub(super) struct Activity {
    in_flight: AtomicUsize,
    had_a_request: AtomicBool,
    changed: Notify,
}

/// A request in flight, until the last byte of its answer is handed over.
#[derive(Debug)]
pub(super) struct InFlight(Arc<Activity>);

impl Activity {
    pub(super) fn begin(self: &Arc<Self>) -> InFlight {
        self.in_flight.fetch_add(1, Ordering::SeqCst);
        self.had_a_request.store(true, Ordering::SeqCst);
        self.changed.notify_waiters();
        InFlight(Arc::clone(self))
    }

    /// Returns once a request is in flight, or after `patience`.
    pub(super) async fn busy(&self, patience: Duration) {
        let begun = async {
            loop {
                let mut changed = std::pin::pin!(self.changed.notified());
                changed.as_mut().enable();
                if self.in_flight.load(Ordering::SeqCst) > 0 {
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
            let limit = if self.had_a_request.load(Ordering::SeqCst) {
                later
            } else {
                first
            };
            if self.in_flight.load(Ordering::SeqCst) > 0 {
                changed.await;
            } else if tokio::time::timeout(limit, changed).await.is_err() {
                return;
            }
        }
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::SeqCst);
        self.0.changed.notify_waiters();
    }
}
