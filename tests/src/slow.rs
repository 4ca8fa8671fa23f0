//! Clients that send half a request, or almost stop in the middle of it. Each holds one connection
//! until the service closes it.

use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// How long the service may take to close a connection: far longer than documented.
const PATIENCE: Duration = Duration::from_mins(3);
/// One byte at a time: ten bytes a second.
const TRICKLE: &[u8] = b"x";
const PAUSE: Duration = Duration::from_millis(100);

/// The end of a connection.
#[derive(Clone, Debug)]
pub struct Closed {
    /// How long it was open.
    pub after: Duration,
    /// The response before the service closed it.
    pub answer: String,
}

/// Sends half of a request header to the API at `api`, and waits until the connection is closed.
///
/// # Panics
/// If it stays open.
pub async fn half_open(api: &str) -> Closed {
    let begin = Instant::now();
    let mut stream = connect(api).await;
    let half = b"POST /v1/documents HTTP/1.1\r\nhost: x\r\nauthoriza";
    stream
        .write_all(half)
        .await
        .expect("a new connection takes some bytes");
    closed(begin, &mut stream).await
}

/// Uploads with a token at ten bytes a second, and waits until the connection is closed.
///
/// # Panics
/// If it stays open.
pub async fn trickle(api: &str, token: &str) -> Closed {
    let begin = Instant::now();
    let head = format!(
        "POST /v1/documents?name=slow.bin HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n\
         content-type: application/octet-stream\r\ncontent-length: 1000000\r\n\r\n"
    );
    let (mut from, mut to) = connect(api).await.into_split();
    to.write_all(head.as_bytes())
        .await
        .expect("a new connection takes some bytes");
    let trickling = async {
        while to.write_all(TRICKLE).await.is_ok() {
            // Not a wait for a condition: the pause makes this client slow.
            tokio::time::sleep(PAUSE).await;
        }
        std::future::pending::<()>().await;
    };
    tokio::select! {
        closed = closed(begin, &mut from) => closed,
        () = trickling => unreachable!("it only waits"),
    }
}

async fn connect(api: &str) -> TcpStream {
    let address = api.trim_start_matches("http://");
    TcpStream::connect(address)
        .await
        .expect("the service takes connections")
}

async fn closed(begin: Instant, stream: &mut (impl AsyncReadExt + Unpin)) -> Closed {
    let mut answer = Vec::new();
    let end = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer)).await;
    // A reset also ends the connection.
    let _ = end.expect("the service closes slow connections");
    Closed {
        after: begin.elapsed(),
        answer: String::from_utf8_lossy(&answer).into_owned(),
    }
}
