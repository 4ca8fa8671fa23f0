//! A socket that fails on stalled readers, and closes without truncating its last response.
//!
//! If a response is sent before the request was read completely (such as a too large document),
//! closing immediately would make the kernel send a reset, and the client might never read the
//! response. So the socket stops writing and discards incoming bytes for a bounded time (RFC 9112,
//! section 9.6).

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep};

use super::pace::Pace;
use crate::capacity::{Patience, Standing};

/// Lingering ends after this long without bytes …
const LINGER_SILENCE: Duration = Duration::from_secs(2);
/// … or after this long in total.
const LINGER_TOTAL: Duration = Duration::from_secs(20);
/// Discarded before yielding to other tasks.
const LINGER_READ: usize = 64 << 10;
/// How often a stalled reader is checked: the limits of unauthenticated peers may shrink.
const LOOK: Duration = Duration::from_secs(1);

/// Marks that a request was not read completely.
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

/// The peer of the current HTTP/1.1 response.
#[derive(Clone, Debug, Default)]
pub(super) struct Reader(Arc<Mutex<Option<Standing>>>);

impl Reader {
    pub(super) fn is(&self, standing: Standing) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(standing);
    }

    fn patience(&self, stall: Duration) -> Patience {
        let reader = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let all = Patience { stall, rate: 0 };
        let standing = reader.as_ref();
        standing.map_or(all, |standing| standing.patience(stall))
    }
}

pub(super) struct Socket {
    stream: TcpStream,
    patience: Duration,
    reader: Reader,
    pace: Pace,
    stalled: Pin<Box<Sleep>>,
    waiting: bool,
    linger: Linger,
    closing: Option<Closing>,
}

/// Our side is closed; draining the client's.
struct Closing {
    until: Instant,
    scratch: Box<[u8]>,
}

impl Socket {
    pub(super) fn new(
        stream: TcpStream,
        patience: Duration,
        (reader, linger): (Reader, Linger),
    ) -> Self {
        let stalled = Box::pin(tokio::time::sleep(patience));
        Self {
            stream,
            patience,
            reader,
            pace: Pace::default(),
            stalled,
            waiting: false,
            linger,
            closing: None,
        }
    }

    /// Writes what the peer takes at once, without waiting for it.
    pub(super) fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.try_write(bytes)
    }

    /// Writes, and fails if the peer made too little progress.
    fn watch(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        if let Poll::Ready(written) = written {
            self.waiting = false;
            let bytes = *written.as_ref().unwrap_or(&0);
            self.pace.took(bytes, Instant::now());
            return Poll::Ready(written);
        }
        self.pace.await_peer(Instant::now());
        loop {
            let patience = self.reader.patience(self.patience);
            let left = self.pace.left(patience, Instant::now());
            if left.is_zero() {
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
            if !self.waiting {
                self.waiting = true;
                let until = Instant::now() + left.min(LOOK);
                self.stalled.as_mut().reset(until);
            }
            ready!(self.stalled.as_mut().poll(context));
            self.waiting = false;
        }
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
