//! Responses without an end, on connections that the library has given back.

use std::io;
use std::sync::Mutex;
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use poem::{Body, Endpoint, EndpointExt, Response};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::ServerLimits;
use super::tests::Server;

type Chunks = mpsc::Sender<io::Result<Bytes>>;

/// Answers one request with what is sent, for as long as it is.
fn events() -> (Chunks, impl Endpoint<Output = Response>) {
    let (sender, receiver) = mpsc::channel(1);
    let receiver = Mutex::new(Some(receiver));
    let answer = move |_| {
        let receiver: Option<mpsc::Receiver<_>> = receiver.lock().unwrap().take();
        let chunks = futures::stream::unfold(receiver, |receiver| async {
            let mut receiver = receiver?;
            Some((receiver.recv().await?, Some(receiver)))
        });
        let response = Response::builder().content_type("text/event-stream");
        let response = response.body(Body::from_bytes_stream(chunks));
        async move { Ok::<_, poem::Error>(response) }
    };
    (sender, poem::endpoint::make(answer).map_to_response())
}

async fn asked(request: &str) -> (Chunks, Server, TcpStream) {
    let (chunks, endpoint) = events();
    let server = Server::start(ServerLimits::default(), endpoint).await;
    let mut client = TcpStream::connect(server.address).await.unwrap();
    client.write_all(request.as_bytes()).await.unwrap();
    (chunks, server, client)
}

async fn read_until(client: &mut TcpStream, end: &str) -> String {
    let mut read = Vec::new();
    while !read.ends_with(end.as_bytes()) {
        read.push(client.read_u8().await.unwrap());
    }
    String::from_utf8(read).unwrap()
}

#[tokio::test]
async fn over_http_1_0_it_ends_with_its_connection() {
    let request = "GET / HTTP/1.0\r\nconnection: keep-alive\r\n\r\n";
    let (chunks, _server, mut client) = asked(request).await;
    let head = read_until(&mut client, "\r\n\r\n").await;
    assert!(!head.contains("keep-alive"), "{head}");
    chunks
        .send(Ok(Bytes::from_static(b"data: 1\n\n")))
        .await
        .unwrap();
    drop(chunks);
    let mut rest = String::new();
    client.read_to_string(&mut rest).await.unwrap();
    assert_eq!(rest, "data: 1\n\n");
}

#[tokio::test]
async fn it_is_sent_as_it_comes_and_ends_in_order() {
    let (chunks, _server, mut client) = asked("GET / HTTP/1.1\r\nhost: x\r\n\r\n").await;
    let head = read_until(&mut client, "\r\n\r\n").await;
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    for field in ["transfer-encoding: chunked\r\n", "connection: close\r\n"] {
        assert!(head.contains(field), "{head}");
    }
    // What a client says meanwhile is no request.
    client.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
    for chunk in ["first", "", "second of some length"] {
        chunks.send(Ok(Bytes::from(chunk))).await.unwrap();
    }
    read_until(&mut client, "5\r\nfirst\r\n15\r\nsecond of some length\r\n").await;
    drop(chunks);
    let mut rest = String::new();
    client.read_to_string(&mut rest).await.unwrap();
    assert_eq!(rest, "0\r\n\r\n");
}

#[tokio::test]
async fn it_ends_when_its_client_leaves() {
    let (chunks, _server, mut client) = asked("GET / HTTP/1.1\r\nhost: x\r\n\r\n").await;
    chunks.send(Ok(Bytes::from("first"))).await.unwrap();
    read_until(&mut client, "first\r\n").await;
    drop(client);
    let noticed = timeout(Duration::from_secs(30), chunks.closed()).await;
    noticed.unwrap();
}

#[tokio::test]
async fn one_that_breaks_off_is_not_ended() {
    for version in ["1.1", "1.0"] {
        let request = format!("GET / HTTP/{version}\r\nhost: x\r\n\r\n");
        let (chunks, _server, mut client) = asked(&request).await;
        chunks.send(Ok(Bytes::from("first"))).await.unwrap();
        read_until(&mut client, "first").await;
        let broken = io::Error::other("it broke off");
        chunks.send(Err(broken)).await.unwrap();
        let mut rest = Vec::new();
        let ended = client.read_to_end(&mut rest).await;
        drop(ended);
        let rest = String::from_utf8(rest).unwrap();
        assert!(!rest.contains('0'), "HTTP/{version}: {rest:?}");
    }
}

#[tokio::test]
async fn streams_are_as_many_as_the_files_that_they_open() {
    const STREAMS: usize = 6;
    let answer = |_| {
        let first = futures::stream::iter([Ok::<_, io::Error>("first")]);
        let body = Body::from_bytes_stream(first.chain(futures::stream::pending()));
        let response = Response::builder().content_type("text/event-stream");
        let response = response.body(body);
        async move { Ok::<_, poem::Error>(response) }
    };
    let limits = ServerLimits {
        connections: 4,
        ..ServerLimits::default()
    };
    let endpoint = poem::endpoint::make(answer).map_to_response();
    let server = Server::start(limits, endpoint).await;
    let mut open = Vec::new();
    for _ in 0..STREAMS {
        let mut client = TcpStream::connect(server.address).await.unwrap();
        let request = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n";
        client.write_all(request).await.unwrap();
        let head = read_until(&mut client, "first\r\n").await;
        assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
        open.push(client);
    }
}
