//! HTTP/2 clients that request much and read little: each gives every stream a window of its
//! choice, and never more.

use std::net::Ipv4Addr;

use bytes::Bytes;
use futures::future::join_all;
use h2::RecvStream;
use h2::client::{Builder, SendRequest};
use http::{HeaderMap, Request, StatusCode};
use tokio::net::{TcpSocket, TcpStream};

/// Connects to the API at `api` from a local address.
///
/// # Panics
/// If the service refuses the connection.
pub async fn connect_from(from: Ipv4Addr, api: &str) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket
        .bind((from, 0).into())
        .expect("the address is of this machine");
    let address = api.trim_start_matches("http://");
    let connecting = socket.connect(address.parse().expect("an address"));
    connecting.await.expect("the service takes connections")
}

/// The maximum number of concurrent streams of a connection.
pub const STREAMS: usize = 120;

/// A connection, and its responses. The streams stay open until it is dropped.
#[derive(Debug)]
pub struct Greedy {
    /// The header of each response.
    pub heads: Vec<(StatusCode, HeaderMap)>,
    _bodies: Vec<RecvStream>,
    _sender: SendRequest<Bytes>,
}

impl Greedy {
    /// Requests `path` from the API at `api` on every stream of a new connection, and waits for the
    /// headers of the responses.
    ///
    /// # Panics
    /// If the service doesn't answer.
    pub async fn ask(api: &str, path: &str, window: u32) -> Self {
        Self::ask_from(Ipv4Addr::LOCALHOST, api, path, window).await
    }

    /// The same, from the given local address.
    ///
    /// # Panics
    /// If the service doesn't answer.
    pub async fn ask_from(from: Ipv4Addr, api: &str, path: &str, window: u32) -> Self {
        let socket = connect_from(from, api).await;
        let mut builder = Builder::new();
        builder.initial_window_size(window);
        let (sender, connection) = builder
            .handshake(socket)
            .await
            .expect("the service speaks HTTP/2");
        tokio::spawn(connection);
        let mut sender = sender.ready().await.expect("the connection is open");
        let uri = format!("{api}{path}");
        let mut answers = Vec::new();
        for _ in 0..STREAMS {
            let request = Request::get(&uri)
                .body(())
                .expect("the path is a part of a URI");
            sender = sender.ready().await.expect("the connection is open");
            let (answer, _) = sender
                .send_request(request, true)
                .expect("a stream can be opened");
            answers.push(answer);
        }
        let (mut heads, mut bodies) = (Vec::new(), Vec::new());
        for answer in join_all(answers).await {
            let (head, body) = answer.expect("the service answers").into_parts();
            heads.push((head.status, head.headers));
            bodies.push(body);
        }
        Self {
            heads,
            _bodies: bodies,
            _sender: sender,
        }
    }
}
