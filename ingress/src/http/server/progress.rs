//! Detects stalled HTTP/2 streams. Counts bytes until the connection has written them, and resets a
//! stream whose peer stalls too long, since the library doesn't poll a body while the peer gives no
//! window.

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures::task::AtomicWaker;
use hyper::rt::Executor;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use super::pace::Pace;
use crate::capacity::{Patience, Standing};
use beat::beat_within;

tokio::task_local! {
    /// The progress of the task's stream.
    static OF_STREAM: Arc<Progress>;
}

/// How often an idle stream is checked.
const LOOKS: u32 = 4;
/// How often a stalled stream is checked: the limits of unauthenticated peers may shrink.
const LOOK: Duration = Duration::from_secs(1);

/// The unread bytes of a stream.
#[derive(Debug)]
pub(super) struct Progress {
    state: Mutex<State>,
    taken: AtomicWaker,
    hurried: Notify,
}

#[derive(Debug)]
struct State {
    slices: usize,
    pace: Pace,
    /// How long any peer may stall.
    limit: Duration,
    /// The peer, once known.
    standing: Option<Standing>,
}

impl State {
    /// Returns how long the peer may still stall.
    fn left(&self) -> Duration {
        let all = Patience {
            stall: self.limit,
            rate: 0,
        };
        let patience = self.standing.as_ref();
        let patience = patience.map_or(all, |standing| standing.patience(self.limit));
        self.pace.left(patience, Instant::now())
    }

    /// Returns when to check again.
    fn next_look(&self) -> Instant {
        if self.slices > 0 {
            Instant::now() + self.left().min(LOOK)
        } else {
            beat_within(self.limit / LOOKS)
        }
    }
}

impl Progress {
    fn new(limit: Duration) -> Self {
        Self {
            state: Mutex::new(State {
                slices: 0,
                pace: Pace::default(),
                limit,
                standing: None,
            }),
            taken: AtomicWaker::new(),
            hurried: Notify::new(),
        }
    }

    /// Returns the progress of the task's stream; `None` for HTTP/1.1.
    pub(super) fn of_stream() -> Option<Arc<Self>> {
        OF_STREAM.try_with(Arc::clone).ok()
    }

    /// Wraps a slice, counted until dropped.
    pub(super) fn hand_over(self: &Arc<Self>, bytes: Bytes) -> Bytes {
        let mut state = self.lock();
        state.pace.await_peer(Instant::now());
        state.slices += 1;
        drop(state);
        let progress = Arc::clone(self);
        Bytes::from_owner(Slice { bytes, progress })
    }

    /// Who takes the answer.
    pub(super) fn is_answered_to(&self, standing: Standing) {
        self.lock().standing = Some(standing);
        self.hurried.notify_one();
    }

    /// Sets how long the peer may stall from now on.
    pub(super) fn hurry(&self, limit: Duration) {
        self.lock().limit = limit;
        self.hurried.notify_one();
    }

    /// Ready once the peer has read everything.
    pub(super) fn poll_taken(&self, context: &Context<'_>) -> Poll<()> {
        self.taken.register(context.waker());
        if self.lock().slices == 0 {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }

    /// Waits until the peer has stalled too long.
    async fn stalled(&self) {
        loop {
            let next = self.lock().next_look();
            tokio::select! {
                () = sleep_until(next) => {}
                () = self.hurried.notified() => {}
            }
            let state = self.lock();
            if state.slices > 0 && state.left().is_zero() {
                return;
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Slice {
    bytes: Bytes,
    progress: Arc<Progress>,
}

impl AsRef<[u8]> for Slice {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Slice {
    fn drop(&mut self) {
        let mut state = self.progress.lock();
        state.slices -= 1;
        state.pace.took(self.bytes.len(), Instant::now());
        if state.slices > 0 {
            state.pace.await_peer(Instant::now());
        } else {
            drop(state);
            self.progress.taken.wake();
        }
    }
}

/// Runs each HTTP/2 stream in its own task.
#[derive(Clone, Copy, Debug)]
pub(super) struct StreamExecutor {
    /// How long a peer may stall.
    pub(super) stall: Duration,
}

impl<F> Executor<F> for StreamExecutor
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, stream: F) {
        let progress = Arc::new(Progress::new(self.stall));
        let watched = Arc::clone(&progress);
        tokio::spawn(OF_STREAM.scope(progress, async move {
            tokio::select! {
                biased;
                () = stream => {}
                // The stream is reset when it is dropped.
                () = watched.stalled() => tracing::debug!("resetting a stream: its peer has stalled"),
            }
        }));
    }
}
