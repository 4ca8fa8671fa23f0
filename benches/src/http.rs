//! A client that costs next to nothing: what is measured is the other side.

use std::net::SocketAddr;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

/// The bytes that a large body is read in.
const PIECE: usize = 256 << 10;

/// A connection of HTTP/1.1 that is kept open.
pub struct Connection(BufReader<TcpStream>);

/// What was answered.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    /// The value of `Location`, if any.
    pub location: String,
    pub body: Vec<u8>,
}

/// How the body of an answer ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Extent {
    Length(usize),
    Chunked,
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
        self.send(&request).await;
        self.answer().await
    }

    /// The same with a body of `times` pieces.
    pub async fn exchange_large(&mut self, head: &str, piece: &[u8], times: usize) -> Answer {
        let length = piece.len() * times;
        self.send(format!("{head}content-length: {length}\r\n\r\n").as_bytes())
            .await;
        for _ in 0..times {
            self.send(piece).await;
        }
        self.answer().await
    }

    /// Sends a request, and returns the status and the length of an answer whose body isn't kept.
    pub async fn exchange_for_length(&mut self, head: &str) -> (u16, usize) {
        self.send(format!("{head}\r\n").as_bytes()).await;
        let (answer, extent) = self.head().await;
        let length = match extent {
            Extent::Length(length) => Some(length),
            Extent::Chunked => None,
        };
        let length = length.expect("a document has a length");
        let mut piece = vec![0; PIECE];
        let mut left = length;
        while left > 0 {
            let wanted = left.min(PIECE);
            let read = self.0.read(&mut piece[..wanted]).await;
            let read = read.expect("the server answers");
            assert!(read > 0, "the server hung up");
            left -= read;
        }
        (answer.status, length)
    }

    async fn send(&mut self, bytes: &[u8]) {
        let sent = self.0.get_mut().write_all(bytes).await;
        sent.expect("the server reads");
    }

    async fn answer(&mut self) -> Answer {
        let (mut answer, extent) = self.head().await;
        match extent {
            Extent::Length(length) => self.bytes(length, &mut answer.body).await,
            Extent::Chunked => self.chunks(&mut answer.body).await,
        }
        answer
    }

    async fn head(&mut self) -> (Answer, Extent) {
        let (mut head, mut line) = (String::new(), String::new());
        while line != "\r\n" {
            self.line(&mut line).await;
            head.push_str(&line);
        }
        read_head(&head).expect("an answer begins with its status")
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

/// The head of an answer, and how its body ends.
fn read_head(head: &str) -> Option<(Answer, Extent)> {
    let mut lines = head.lines();
    let status: u16 = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let (mut location, mut extent) = (String::new(), Extent::Length(0));
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        let value = value.trim();
        match name.to_ascii_lowercase().as_str() {
            "content-length" => extent = Extent::Length(value.parse().ok()?),
            "transfer-encoding" => extent = Extent::Chunked,
            "location" => value.clone_into(&mut location),
            _ => {}
        }
    }
    if status == 204 || status == 304 {
        extent = Extent::Length(0);
    }
    let answer = Answer {
        status,
        location,
        body: Vec::new(),
    };
    Some((answer, extent))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(head: &str) -> (u16, String, Extent) {
        let (answer, extent) = read_head(head).unwrap();
        (answer.status, answer.location, extent)
    }

    #[test]
    fn the_fields_that_matter_are_read_in_any_case() {
        let head =
            "HTTP/1.1 201 Created\r\nLOCATION: http://a:1/files/x\r\ncontent-Length: 12\r\n\r\n";
        let location = "http://a:1/files/x".to_owned();
        assert_eq!(read(head), (201, location, Extent::Length(12)));
        let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        assert_eq!(read(head), (200, String::new(), Extent::Chunked));
    }

    #[test]
    fn an_answer_without_content_has_no_body() {
        let head = "HTTP/1.1 204 No Content\r\ncontent-length: 5\r\n\r\n";
        assert_eq!(read(head), (204, String::new(), Extent::Length(0)));
    }

    #[test]
    fn what_is_no_answer_is_none() {
        assert_eq!(read_head(""), None);
        assert_eq!(read_head("HTTP/1.1\r\n\r\n"), None);
    }
}
