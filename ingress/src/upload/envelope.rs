//! The body of a form as a stream for its parser, which keeps whatever it can't place yet.
//!
//! The parser takes in all that is ready at once and bounds neither part
//! headers nor what lies between parts. So this gives it one chunk at a time,
//! and stops when it has taken much more than it gave out as file.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures::{Stream, StreamExt};
use shared::domain::{Hasher, Sha256};

use super::receive::read_error;
use crate::problem::{Code, Problem};

/// What a form may have beside the bytes of its file: fields, part headers and
/// boundaries, and the chunk that is just being parsed. A fixed allowance, many
/// times what the fields of an upload need.
pub(super) const ENVELOPE_BYTES: u64 = 1 << 20;

type Body = Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send>>;

/// The body, shared between the parser and the one who feeds on it.
#[derive(Clone)]
pub(super) struct Envelope(Arc<Mutex<State>>);

struct State {
    body: Body,
    hasher: Option<Hasher>,
    received: u64,
    given_out: u64,
    paused: bool,
}

impl Envelope {
    /// Wraps a body; its digest is computed only if it is `hashed`.
    pub(super) fn new(body: poem::Body, hashed: Option<Hasher>) -> Self {
        let body = Box::pin(body.into_bytes_stream());
        Self(Arc::new(Mutex::new(State {
            body,
            hasher: hashed,
            received: 0,
            given_out: 0,
            paused: false,
        })))
    }

    /// Notes that so much of what was received is out again, as bytes of the file.
    pub(super) fn gave_out(&self, bytes: usize) {
        self.with(|state| state.given_out += bytes as u64);
    }

    /// Reads what is left after the last boundary, and gives the digest of the whole body.
    pub(super) async fn finish(mut self) -> Result<Option<Sha256>, Problem> {
        while self.next().await.transpose()?.is_some() {}
        Ok(self.with(|state| state.hasher.take()).map(Hasher::finish))
    }

    fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl State {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Problem>>> {
        // One chunk, then a turn for the parser: it would take in all that is ready.
        if std::mem::take(&mut self.paused) {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let Some(chunk) = ready!(self.body.poll_next_unpin(context)) else {
            return Poll::Ready(None);
        };
        self.paused = true;
        Poll::Ready(Some(
            chunk.map_err(read_error).and_then(|chunk| self.take(chunk)),
        ))
    }

    fn take(&mut self, chunk: Bytes) -> Result<Bytes, Problem> {
        self.received += chunk.len() as u64;
        if self.received > self.given_out.saturating_add(ENVELOPE_BYTES) {
            return Err(Code::TooLarge.into());
        }
        if let Some(hasher) = &mut self.hasher {
            hasher.update(&chunk);
        }
        Ok(chunk)
    }
}

impl Stream for Envelope {
    type Item = Result<Bytes, Problem>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.with(|state| state.poll(context))
    }
}
