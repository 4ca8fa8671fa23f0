//! A client that costs next to nothing: what is measured is the other side.

use std::net::SocketAddr;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

/// A connection of HTTP/1.1 that is kept open.
pub struct Connection(BufReader<TcpStream>);

/// What was answered.
pub struct Answer {
    pub status: u16,
    pub body: Vec<u8>,
}

impl Connection {
    /// Connects.
    pub async fn to(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await;
        let stream = stream.expect("the server listens");
        stream.set_nodelay(true).expect("TCP can do without delay");
        Self(BufReader::with_capacity(64 << 10, stream))
    }

    /// Sends a request, whose head ends before the empty line, and reads the whole answer.
    pub async fn exchange(&mut self, head: &str, body: &[u8]) -> Answer {
        let mut request = Vec::with_capacity(head.len() + 64 + body.len());
        request.extend_from_slice(head.as_bytes());
        if !body.is_empty() {
            request.extend_from_slice(format!("content-length: {}\r\n", body.len()).as_bytes());
        }
        request.extend_from_slice(b"\r\n");
        request.extend_from_slice(body);
        let sent = self.0.get_mut().write_all(&request).await;
        sent.expect("the server reads");
        self.answer().await
    }

    async fn answer(&mut self) -> Answer {
        let mut line = String::new();
        self.line(&mut line).await;
        let status = line.split(' ').nth(1).and_then(|text| text.parse().ok());
        let status = status.expect("an answer begins with its status");
        let (mut length, mut is_chunked) = (0, false);
        loop {
            self.line(&mut line).await;
            let field = line.trim_end().to_ascii_lowercase();
            match field.split_once(':') {
                None => break,
                Some(("content-length", value)) => {
                    length = value.trim().parse().expect("a length is a number");
                }
                Some(("transfer-encoding", _)) => is_chunked = true,
                Some(_) => {}
            }
        }
        let mut body = Vec::new();
        if status != 204 && status != 304 {
            if is_chunked {
                self.chunks(&mut body).await;
            } else {
                self.bytes(length, &mut body).await;
            }
        }
        Answer { status, body }
    }

    async fn chunks(&mut self, into: &mut Vec<u8>) {
        let mut line = String::new();
        loop {
            self.line(&mut line).await;
            let size = usize::from_str_radix(line.trim(), 16).expect("a chunk has a size");
            self.bytes(size, into).await;
            self.line(&mut line).await;
            if size == 0 {
                return;
            }
        }
    }

    async fn line(&mut self, line: &mut String) {
        line.clear();
        let read = self.0.read_line(line).await.expect("the server answers");
        assert!(read > 0, "the server hung up");
    }

    async fn bytes(&mut self, count: usize, into: &mut Vec<u8>) {
        let begin = into.len();
        into.resize(begin + count, 0);
        let read = self.0.read_exact(&mut into[begin..]).await;
        read.expect("the server sends what it promised");
    }
}
