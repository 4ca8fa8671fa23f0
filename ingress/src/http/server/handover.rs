//! Takes an HTTP/1.1 connection back from the library once the header of an endless response is sent.
//! The library would keep its buffers, 24 KiB and more, for as long as the response lasts.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body_util::combinators::BoxBody;
use hyper::body::{Body, Frame};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::Notify;

use super::response_body::ResponseBody;
use super::socket::Socket;

/// The socket of a connection, and perhaps a response that will have it alone; clones share them.
#[derive(Clone)]
pub(super) struct Handover(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    sent: Notify,
}

struct State {
    socket: Option<Socket>,
    body: Option<ResponseBody>,
    stage: Stage,
}

/// How far the header of an endless response is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// There is none, or the library has not written it yet.
    Waiting,
    /// It is in the library's buffer, since the library has asked for the body.
    Written,
    /// It is sent.
    Sent,
}

impl Handover {
    pub(super) fn new(socket: Socket) -> Self {
        let state = Mutex::new(State {
            socket: Some(socket),
            body: None,
            stage: Stage::Waiting,
        });
        let sent = Notify::new();
        Self(Arc::new(Shared { state, sent }))
    }

    /// Keeps the body of an endless response. Returns the one that the library gets instead, which
    /// gives nothing.
    pub(super) fn offer(&self, body: ResponseBody) -> ResponseBody {
        self.state().body = Some(body);
        ResponseBody::without_request(BoxBody::new(Nothing(self.clone())))
    }

    /// Waits until the header of an endless response is sent. Then the connection is to be taken from
    /// the library.
    pub(super) async fn is_due(&self) {
        self.0.sent.notified().await;
    }

    /// Takes the socket and the rest of the response, if its header is sent.
    pub(super) fn take(&self) -> Option<(Socket, ResponseBody)> {
        let mut state = self.state();
        if state.stage != Stage::Sent {
            return None;
        }
        state.socket.take().zip(state.body.take())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn poll_socket<T>(
        &self,
        poll: impl FnOnce(Pin<&mut Socket>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        match &mut self.state().socket {
            Some(socket) => poll(Pin::new(socket)),
            None => Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
        }
    }
}

impl AsyncRead for Handover {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.poll_socket(|socket| socket.poll_read(context, buffer))
    }
}

impl AsyncWrite for Handover {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_socket(|socket| socket.poll_write(context, bytes))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_socket(|socket| socket.poll_write_vectored(context, slices))
    }

    fn is_write_vectored(&self) -> bool {
        let state = self.state();
        state.socket.as_ref().is_some_and(Socket::is_write_vectored)
    }

    /// The library flushes when its own buffer is empty: what it wrote has been sent.
    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = self.poll_socket(|socket| socket.poll_flush(context));
        if matches!(flushed, Poll::Ready(Ok(()))) {
            let mut state = self.state();
            if state.stage == Stage::Written {
                state.stage = Stage::Sent;
                self.0.sent.notify_one();
            }
        }
        flushed
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_socket(|socket| socket.poll_shutdown(context))
    }
}

/// A body that gives nothing, and doesn't end.
struct Nothing(Handover);

impl Body for Nothing {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let mut state = self.0.state();
        if state.stage == Stage::Waiting {
            state.stage = Stage::Written;
        }
        Poll::Pending
    }
}
