//! A socket that gives up on readers who stall, and that closes without cutting off its last answer.
//!
//! When an answer is sent before the request was read to its end (a document
//! that is too large, say), closing at once would make the kernel send a reset,
//! and the client would never read why. So the socket then stops writing and
//! discards what still comes, for a bounded time (RFC 9112, section 9.6).

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep};

/// Lingering ends when nothing came for so long …
const LINGER_SILENCE: Duration = Duration::from_secs(2);
/// … or after so long at all.
const LINGER_TOTAL: Duration = Duration::from_secs(20);
/// Discarded at one go before other tasks get their turn.
const LINGER_READ: usize = 64 << 10;

/// A mark that a request was not read to its end.
#[derive(Clone, Debug, Default)]
pub(super) struct Linger(Arc<AtomicBool>);

impl Linger {
    pub(super) fn ask(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_asked(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

pub(super) struct Socket {
    stream: TcpStream,
    patience: Duration,
    stalled: Pin<Box<Sleep>>,
    waiting: bool,
    linger: Linger,
    closing: Option<Closing>,
}

/// Our side is closed; the client's is being emptied.
struct Closing {
    until: Instant,
    scratch: Box<[u8]>,
}

impl Socket {
    pub(super) fn new(stream: TcpStream, patience: Duration, linger: Linger) -> Self {
        let stalled = Box::pin(tokio::time::sleep(patience));
        Self {
            stream,
            patience,
            stalled,
            waiting: false,
            linger,
            closing: None,
        }
    }

    /// Passes a write through, and fails one that made no progress for too long.
    fn watch<T>(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.waiting = false;
            return written;
        }
        if !self.waiting {
            self.waiting = true;
            self.stalled.as_mut().reset(Instant::now() + self.patience);
        }
        ready!(self.stalled.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }

    fn poll_discard(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Some(closing) = &mut self.closing else {
            return Poll::Ready(Ok(()));
        };
        loop {
            let now = Instant::now();
            if now >= closing.until {
                return Poll::Ready(Ok(()));
            }
            let mut buffer = ReadBuf::new(&mut closing.scratch);
            match Pin::new(&mut self.stream).poll_read(context, &mut buffer) {
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() => self.waiting = false,
                Poll::Ready(_) => return Poll::Ready(Ok(())),
                Poll::Pending => {
                    if !self.waiting {
                        self.waiting = true;
                        self.stalled
                            .as_mut()
                            .reset(closing.until.min(now + LINGER_SILENCE));
                    }
                    return self.stalled.as_mut().poll(context).map(Ok);
                }
            }
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.watch(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.watch(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.closing.is_none() {
            ready!(Pin::new(&mut self.stream).poll_shutdown(context))?;
            if !self.linger.is_asked() {
                return Poll::Ready(Ok(()));
            }
            self.waiting = false;
            let scratch = vec![0; LINGER_READ].into_boxed_slice();
            self.closing = Some(Closing {
                until: Instant::now() + LINGER_TOTAL,
                scratch,
            });
        }
        self.poll_discard(context)
    }
}
