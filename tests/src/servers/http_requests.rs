//! Splits a connection into HTTP/1.1 requests by their lengths, for the gate. Parses nothing else.

use std::io;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

const CHUNK: usize = 64 << 10;

/// The requests of a connection, in sequence.
pub(super) struct Requests {
    from: OwnedReadHalf,
    /// Read, not forwarded yet.
    buffer: Vec<u8>,
}

/// The head of a request.
pub(super) struct Request {
    head: usize,
    body: Body,
}

#[derive(Clone, Copy)]
enum Body {
    Bytes(usize),
    /// Of unknown length: all further bytes belong to it.
    Rest,
}

impl Requests {
    pub(super) const fn of(from: OwnedReadHalf) -> Self {
        Self {
            from,
            buffer: Vec::new(),
        }
    }

    /// The next request, once its head has arrived; `None` if the client has closed.
    pub(super) async fn next(&mut self) -> io::Result<Option<Request>> {
        loop {
            if let Some(end) = self.buffer.windows(4).position(|four| four == b"\r\n\r\n") {
                let head = String::from_utf8_lossy(&self.buffer[..end]).to_ascii_lowercase();
                return Ok(Some(Request {
                    head: end + 4,
                    body: body_of(&head),
                }));
            }
            if self.read().await? == 0 {
                return Ok(None);
            }
        }
    }

    /// Forwards the whole request.
    pub(super) async fn pass_on(
        &mut self,
        request: &Request,
        to: &mut OwnedWriteHalf,
    ) -> io::Result<()> {
        self.take(request, Some(to)).await
    }

    /// Reads the request to its end and drops it.
    pub(super) async fn skip_body(&mut self, request: &Request) -> io::Result<()> {
        self.take(request, None).await
    }

    async fn take(
        &mut self,
        request: &Request,
        mut to: Option<&mut OwnedWriteHalf>,
    ) -> io::Result<()> {
        let mut left = match request.body {
            Body::Bytes(length) => request.head + length,
            Body::Rest => usize::MAX,
        };
        while left > 0 {
            if self.buffer.is_empty() && self.read().await? == 0 {
                return Ok(());
            }
            let length = self.buffer.len().min(left);
            let bytes: Vec<u8> = self.buffer.drain(..length).collect();
            if let Some(to) = &mut to {
                to.write_all(&bytes).await?;
            }
            left -= length;
        }
        Ok(())
    }

    async fn read(&mut self) -> io::Result<usize> {
        self.buffer.reserve(CHUNK);
        self.from.read_buf(&mut self.buffer).await
    }
}

fn body_of(head: &str) -> Body {
    let field = |name: &str| {
        head.lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
            .map(str::trim)
    };
    if field("transfer-encoding").is_some() {
        return Body::Rest;
    }
    let length = field("content-length").and_then(|length| length.parse().ok());
    Body::Bytes(length.unwrap_or(0))
}
