//! A request body that loses patience with a sender who stops sending.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::time::{Instant, Sleep};

use super::socket::Linger;

/// The sender sent nothing for longer than the server waits. It is the inner
/// error of the [`io::Error`] that the body ends with.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the request body stopped coming")]
pub struct BodyStalled;

/// The body of one request. The clock runs only while a reader waits for the next chunk.
pub(super) struct RequestBody {
    inner: Incoming,
    patience: Duration,
    deadline: Pin<Box<Sleep>>,
    waiting: bool,
    ended: bool,
    linger: Linger,
}

impl RequestBody {
    pub(super) fn new(inner: Incoming, patience: Duration, linger: Linger) -> Self {
        let deadline = Box::pin(tokio::time::sleep(patience));
        Self {
            inner,
            patience,
            deadline,
            waiting: false,
            ended: false,
            linger,
        }
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
            this.waiting = false;
            this.ended = frame.is_none();
            return Poll::Ready(frame.map(|frame| frame.map_err(io::Error::other)));
        }
        if !this.waiting {
            this.waiting = true;
            this.deadline.as_mut().reset(Instant::now() + this.patience);
        }
        ready!(this.deadline.as_mut().poll(context));
        this.waiting = false;
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
