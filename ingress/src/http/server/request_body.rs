//! A request body that fails if its sender stalls or is too slow.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::time::{Instant, Sleep};

use super::socket::Linger;

/// The timeouts of a sender.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// For the next chunk, and in total beyond what the rate allows.
    pub(super) chunk: Duration,
    /// The least average rate, in bytes per second.
    pub(super) rate: u32,
}

/// The sender stalled or was too slow. Wrapped in the [`io::Error`] that the body ends with.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the request body stalled")]
pub struct BodyStalled;

/// The body of one request. Only time spent waiting for the next chunk counts, so slow storage does
/// not count against the sender.
pub(super) struct RequestBody {
    inner: Incoming,
    patience: Patience,
    deadline: Pin<Box<Sleep>>,
    /// Since when the next chunk is awaited.
    waiting: Option<Instant>,
    /// The total wait for earlier chunks.
    waited: Duration,
    received: u64,
    ended: bool,
    linger: Linger,
}

impl RequestBody {
    pub(super) fn new(inner: Incoming, patience: Patience, linger: Linger) -> Self {
        let deadline = Box::pin(tokio::time::sleep(patience.chunk));
        Self {
            inner,
            patience,
            deadline,
            waiting: None,
            waited: Duration::ZERO,
            received: 0,
            ended: false,
            linger,
        }
    }

    /// How long the next chunk may take.
    fn allowance(&self) -> Duration {
        let earned = self.received.saturating_mul(1_000) / u64::from(self.patience.rate.max(1));
        let in_all = self.patience.chunk + Duration::from_millis(earned);
        in_all.saturating_sub(self.waited).min(self.patience.chunk)
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let this = &mut *self;
        if let Poll::Ready(frame) = Pin::new(&mut this.inner).poll_frame(context) {
            if let Some(since) = this.waiting.take() {
                this.waited += since.elapsed();
            }
            if let Some(Ok(frame)) = &frame {
                this.received += frame.data_ref().map_or(0, |data| data.len() as u64);
            }
            this.ended = frame.is_none();
            return Poll::Ready(frame.map(|frame| frame.map_err(io::Error::other)));
        }
        if this.waiting.is_none() {
            let now = Instant::now();
            this.waiting = Some(now);
            let until = now + this.allowance();
            this.deadline.as_mut().reset(until);
        }
        ready!(this.deadline.as_mut().poll(context));
        Poll::Ready(Some(Err(io::Error::new(
            io::ErrorKind::TimedOut,
            BodyStalled,
        ))))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl Drop for RequestBody {
    fn drop(&mut self) {
        if !self.ended && !self.inner.is_end_stream() {
            self.linger.ask();
        }
    }
}
