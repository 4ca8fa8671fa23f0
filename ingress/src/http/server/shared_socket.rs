//! The connection of an endless response. The task of the response shares it with the walk that sends
//! comments, which wakes no task while the client takes them.

use std::io;
use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};

use bytes::Buf;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::socket::Socket;

/// A comment of a stream of events (HTML, section 9.2.6), as a chunk (RFC 9112, section 7.1).
pub(super) const COMMENT: &[u8] = b"3\r\n:\n\n\r\n";

/// Bytes that a client may send meanwhile. They are no request: the response says that it is the last.
pub(super) const IGNORED: usize = 64 << 10;
/// Read at once.
const READ: usize = 64;
/// A chunk is its length, its data and the end of its line.
const SLICES: usize = 3;

pub(super) struct SharedSocket(Mutex<State>);

struct State {
    socket: Socket,
    /// Whether the task has sent all that it had, and waits for more.
    is_idle: bool,
    /// The end of a comment that the socket has not taken yet: the task sends it before anything else.
    rest: &'static [u8],
    task: Option<Waker>,
    received: usize,
}

impl SharedSocket {
    pub(super) fn new(socket: Socket) -> Self {
        Self(Mutex::new(State {
            socket,
            is_idle: false,
            rest: &[],
            task: None,
            received: 0,
        }))
    }

    /// Sends a comment if nothing is half sent. Never waits: what the socket doesn't take now, or fails to
    /// take, is left to the task, with its limit for clients that stall.
    pub(super) fn comment(&self) {
        let mut state = self.state();
        if !state.is_idle || !state.rest.is_empty() {
            return;
        }
        let sent = state.socket.try_write(COMMENT).unwrap_or(0);
        state.rest = COMMENT.get(sent..).unwrap_or_default();
        if !state.rest.is_empty()
            && let Some(task) = state.task.take()
        {
            drop(state);
            task.wake();
        }
    }

    /// Waits, between two chunks, until the client leaves. Fails if it doesn't take a comment.
    pub(super) fn poll_left(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut state = self.state();
        state.is_idle = true;
        if let Poll::Ready(Err(error)) = state.poll_rest(context) {
            return Poll::Ready(Err(error));
        }
        match &mut state.task {
            Some(task) => task.clone_from(context.waker()),
            task => *task = Some(context.waker().clone()),
        }
        while state.received < IGNORED {
            let mut ignored = [0; READ];
            let mut ignored = ReadBuf::new(&mut ignored);
            ready!(Pin::new(&mut state.socket).poll_read(context, &mut ignored))?;
            match ignored.filled().len() {
                0 => return Poll::Ready(Ok(())),
                read => state.received += read,
            }
        }
        Poll::Pending
    }

    /// Sends all bytes. No comment is sent between its first call and the next one of `poll_left`.
    pub(super) fn poll_send(
        &self,
        context: &mut Context<'_>,
        bytes: &mut impl Buf,
    ) -> Poll<io::Result<()>> {
        let mut state = self.state();
        state.is_idle = false;
        ready!(state.poll_rest(context))?;
        while bytes.has_remaining() {
            let mut slices = [io::IoSlice::new(&[]); SLICES];
            let filled = bytes.chunks_vectored(&mut slices);
            let slices = &slices[..filled];
            let socket = Pin::new(&mut state.socket);
            let sent = ready!(socket.poll_write_vectored(context, slices))?;
            bytes.advance(some(sent)?);
        }
        Poll::Ready(Ok(()))
    }

    /// Closes the connection, after all was sent.
    pub(super) fn poll_shutdown(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.state().socket).poll_shutdown(context)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Sends what is left of a comment.
    fn poll_rest(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.rest.is_empty() {
            let socket = Pin::new(&mut self.socket);
            let sent = some(ready!(socket.poll_write(context, self.rest))?)?;
            self.rest = self.rest.get(sent..).unwrap_or_default();
        }
        Poll::Ready(Ok(()))
    }
}

/// A socket that takes nothing would never take more.
fn some(sent: usize) -> io::Result<usize> {
    match sent {
        0 => Err(io::ErrorKind::WriteZero.into()),
        sent => Ok(sent),
    }
}
