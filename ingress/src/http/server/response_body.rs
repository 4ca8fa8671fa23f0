//! A response body that keeps its request in flight until its last byte is written. Over HTTP/2 it
//! is sent in slices, to track the peer's progress.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body_util::combinators::BoxBody;
use hyper::body::{Body, Frame, SizeHint};

use super::activity::InFlight;
use super::progress::Progress;
use crate::capacity::{Taken, Ticket};

/// The default HTTP/2 frame. The library buffers up to two for a peer without a window.
const SLICE: usize = 16 << 10;

/// Marks a response with a shared body, which needs no memory of its own.
#[derive(Clone, Copy, Debug)]
pub struct SharedBody;

/// Resources held until the response is sent.
pub(super) struct InUse {
    pub(super) _in_flight: InFlight,
    pub(super) _ticket: Option<Ticket>,
    pub(super) _memory: Option<Taken>,
}

pub(super) struct ResponseBody {
    inner: BoxBody<Bytes, io::Error>,
    slices: Option<Slices>,
    _in_use: Option<InUse>,
}

/// The state of a sliced body.
struct Slices {
    progress: Arc<Progress>,
    rest: Bytes,
    begun: bool,
}

impl ResponseBody {
    pub(super) fn new(inner: BoxBody<Bytes, io::Error>, in_use: InUse) -> Self {
        let slices = Progress::of_stream().map(|progress| Slices {
            progress,
            rest: Bytes::new(),
            begun: false,
        });
        Self {
            inner,
            slices,
            _in_use: Some(in_use),
        }
    }

    /// A body that holds nothing of its request, which another one does.
    pub(super) const fn without_request(inner: BoxBody<Bytes, io::Error>) -> Self {
        Self {
            inner,
            slices: None,
            _in_use: None,
        }
    }
}

impl Slices {
    fn poll_slice(
        &mut self,
        inner: &mut BoxBody<Bytes, io::Error>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        loop {
            if !self.rest.is_empty() {
                let slice = self.rest.split_to(self.rest.len().min(SLICE));
                self.begun = true;
                let slice = self.progress.hand_over(slice);
                return Poll::Ready(Some(Ok(Frame::data(slice))));
            }
            // Read no more, and don't report the end, before everything is written: the library
            // would not track the rest of an ended body.
            ready!(self.progress.poll_taken(context));
            match ready!(Pin::new(&mut *inner).poll_frame(context)) {
                None => return Poll::Ready(None),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => self.rest = data,
                    Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
                },
            }
        }
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let this = &mut *self;
        match &mut this.slices {
            Some(slices) => slices.poll_slice(&mut this.inner, context),
            None => Pin::new(&mut this.inner).poll_frame(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        let begun = self.slices.as_ref().is_some_and(|slices| slices.begun);
        !begun && self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
