//! What a client may hold open, tried over real sockets.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use poem::http::StatusCode;
use poem::{Body, Endpoint, EndpointExt, Request, Response};
use settings::CorsOrigin;
use telemetry::Meters;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use super::{Door, ServerLimits, serve};
use crate::capacity::{Capacity, CapacityLimits};
use crate::http::AllowedOrigins;

/// Scripts of this origin may read answers.
const ORIGIN: &str = "https://app.example.com";

/// Shorter than any test may take, longer than any answer does.
pub(super) const SHORT: Duration = Duration::from_millis(150);

fn impatient() -> ServerLimits {
    ServerLimits {
        header: SHORT,
        first_request: SHORT,
        idle: SHORT,
        body_chunk: SHORT,
        grace: Duration::from_secs(5),
        ..ServerLimits::default()
    }
}

pub(super) struct Server {
    pub(super) address: SocketAddr,
    shutdown: CancellationToken,
    task: tokio::task::JoinHandle<()>,
}

impl Server {
    pub(super) async fn start(
        limits: ServerLimits,
        endpoint: impl Endpoint<Output = Response> + 'static,
    ) -> Self {
        Self::start_for(1_000, limits, endpoint).await
    }

    /// A server that has so many requests in flight at most, one address as many.
    pub(super) async fn start_for(
        requests: u32,
        limits: ServerLimits,
        endpoint: impl Endpoint<Output = Response> + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shutdown = CancellationToken::new();
        let requests = CapacityLimits::of_requests(requests, Some(requests));
        let capacity = Capacity::new(requests, Meters::default());
        let origins: Arc<[CorsOrigin]> = Arc::new([ORIGIN.parse().unwrap()]);
        let door = Door {
            capacity,
            limits,
            origins: AllowedOrigins::new(&origins),
        };
        let task = tokio::spawn(serve(listener, endpoint, door, shutdown.clone()));
        Self {
            address,
            shutdown,
            task,
        }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Sends `request` and reads until the server closes.
    pub(super) async fn exchange(&self, request: &(impl AsRef<[u8]> + ?Sized)) -> String {
        let mut client = self.connect().await;
        client.write_all(request.as_ref()).await.unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.unwrap();
        answer
    }
}

/// Reads the body to its end, and tells how that went by the status.
async fn read(request: Request) -> poem::Result<Response> {
    let status = match request.into_body().into_bytes().await {
        Ok(_) => StatusCode::OK,
        Err(_) => StatusCode::REQUEST_TIMEOUT,
    };
    Ok(status.into())
}

async fn ignore(_: Request) -> poem::Result<Response> {
    Ok(StatusCode::PAYLOAD_TOO_LARGE.into())
}

pub(super) fn reader() -> impl Endpoint<Output = Response> {
    poem::endpoint::make(read).map_to_response()
}

#[tokio::test]
async fn a_request_is_answered() {
    let server = Server::start(impatient(), reader()).await;
    let answer = server
        .exchange("GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        .await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[tokio::test]
async fn a_silent_connection_is_closed() {
    let server = Server::start(impatient(), reader()).await;
    assert_eq!(server.exchange("").await, "");
}

#[tokio::test]
async fn half_a_header_is_not_waited_for() {
    let server = Server::start(impatient(), reader()).await;
    let answer = server.exchange("GET / HTTP/1.1\r\nhost:").await;
    assert!(!answer.contains("200"), "{answer}");
}

#[tokio::test]
async fn a_body_that_stops_coming_ends_the_request() {
    let server = Server::start(impatient(), reader()).await;
    let answer = server
        .exchange("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nabc")
        .await;
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
}

#[tokio::test]
async fn a_body_that_trickles_ends_the_request() {
    let server = Server::start(impatient(), reader()).await;
    let (mut from, mut to) = server.connect().await.into_split();
    let head = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000\r\n\r\n";
    to.write_all(head).await.unwrap();
    // Never silent for long, and far from the rate.
    let trickle = async {
        while to.write_all(b"x").await.is_ok() {
            tokio::time::sleep(SHORT / 10).await;
        }
    };
    let mut answer = String::new();
    tokio::select! {
        () = trickle => {}
        read = from.read_to_string(&mut answer) => drop(read),
    }
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
}

#[tokio::test]
async fn a_body_that_keeps_its_rate_may_take_longer_than_any_chunk() {
    let server = Server::start(impatient(), reader()).await;
    let mut client = server.connect().await;
    let (chunks, size) = (20, 100);
    let head = format!(
        "POST / HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        chunks * size
    );
    client.write_all(head.as_bytes()).await.unwrap();
    for _ in 0..chunks {
        tokio::time::sleep(SHORT / 10).await;
        client.write_all(&vec![b'x'; size]).await.unwrap();
    }
    let mut answer = String::new();
    client.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[tokio::test]
async fn a_request_that_arrives_as_the_server_stops_is_answered() {
    let server = Server::start(ServerLimits::default(), reader()).await;
    let mut fresh = server.connect().await;
    let mut kept = server.connect().await;
    kept.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        .await
        .unwrap();
    let mut first = [0; 12];
    kept.read_exact(&mut first).await.unwrap();
    server.shutdown.cancel();
    tokio::task::yield_now().await;
    for client in [&mut fresh, &mut kept] {
        client
            .write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
            .await
            .unwrap();
    }
    for mut client in [fresh, kept] {
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.unwrap();
        assert!(answer.contains("HTTP/1.1 200"), "{answer}");
        assert!(answer.contains("connection: close"), "{answer}");
    }
    server.task.await.unwrap();
}

#[tokio::test]
async fn an_early_answer_reaches_a_client_that_still_sends() {
    let server = Server::start(impatient(), poem::endpoint::make(ignore).map_to_response()).await;
    let mut client = server.connect().await;
    let size = 8 << 20;
    client
        .write_all(
            format!("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: {size}\r\n\r\n").as_bytes(),
        )
        .await
        .unwrap();
    client.write_all(&vec![0; size]).await.unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
}

#[tokio::test]
async fn connections_beyond_the_cap_wait_their_turn() {
    let limits = ServerLimits {
        connections: 1,
        ..impatient()
    };
    let server = Server::start(limits, reader()).await;
    let first = server.connect().await;
    let second = server.exchange("GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    assert!(tokio::time::timeout(SHORT / 3, second).await.is_err());
    drop(first);
    let third = server
        .exchange("GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        .await;
    assert!(third.starts_with("HTTP/1.1 200"), "{third}");
}

#[tokio::test]
async fn connections_without_a_request_make_room() {
    let limits = ServerLimits {
        connections: 2,
        ..ServerLimits::default()
    };
    let server = Server::start(limits, reader()).await;
    let mut first = server.connect().await;
    let _second = server.connect().await;
    let third = server
        .exchange("GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        .await;
    assert!(third.starts_with("HTTP/1.1 200"), "{third}");
    assert_eq!(first.read(&mut [0; 1]).await.unwrap(), 0, "the earliest");
}

#[tokio::test]
async fn a_request_that_has_arrived_is_answered_before_its_connection_makes_room() {
    const GET: &[u8] = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n";
    let limits = ServerLimits {
        connections: 1,
        ..ServerLimits::default()
    };
    let mut clients = Vec::new();
    for _ in 0..16 {
        let server = Server::start(limits, reader()).await;
        let mut first = server.connect().await;
        first.write_all(GET).await.unwrap();
        let mut answer = [0; 256];
        assert!(first.read(&mut answer).await.unwrap() > 0);
        let mut second = server.connect().await;
        second.write_all(GET).await.unwrap();
        clients.push((server, first, second));
    }
    // The only thread of the runtime learns at once that the connection is old, and of its request.
    let old = std::time::Instant::now() + Duration::from_millis(1_200);
    while let Some(left) = old.checked_duration_since(std::time::Instant::now()) {
        std::thread::park_timeout(left);
    }
    for (_, first, _) in &clients {
        assert_eq!(first.try_write(GET).unwrap(), GET.len());
    }
    for (_server, mut first, mut second) in clients {
        let mut answer = String::new();
        first.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        assert!(second.read(&mut [0; 1]).await.unwrap() > 0, "there is room");
    }
}

#[tokio::test]
async fn a_request_in_flight_is_finished_before_the_server_stops() {
    let (begun, mut has_begun) = tokio::sync::mpsc::unbounded_channel();
    let (finish, may_finish) = tokio::sync::watch::channel(false);
    let endpoint = poem::endpoint::make(move |_| {
        let (begun, mut may_finish) = (begun.clone(), may_finish.clone());
        async move {
            begun.send(()).unwrap();
            may_finish.wait_for(|may| *may).await.unwrap();
            Ok::<_, poem::Error>(Response::from(Body::from("done")))
        }
    });
    let server = Server::start(ServerLimits::default(), endpoint.map_to_response()).await;
    let idle = server.connect().await;
    let mut client = server.connect().await;
    client
        .write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        .await
        .unwrap();
    has_begun.recv().await.unwrap();
    server.shutdown.cancel();
    finish.send(true).unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).await.unwrap();
    assert!(answer.ends_with("done"), "{answer}");
    server.task.await.unwrap();
    drop(idle);
}

#[tokio::test]
async fn what_outlives_the_grace_period_is_cut_off() {
    let endpoint = poem::endpoint::make(|_| std::future::pending::<poem::Result<Response>>());
    let limits = ServerLimits {
        grace: SHORT,
        ..ServerLimits::default()
    };
    let server = Server::start(limits, endpoint.map_to_response()).await;
    let mut client = server.connect().await;
    client
        .write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        .await
        .unwrap();
    tokio::task::yield_now().await;
    server.shutdown.cancel();
    server.task.await.unwrap();
    assert_eq!(client.read(&mut [0; 1]).await.unwrap_or(0), 0);
}

#[tokio::test]
async fn a_script_reads_why_there_was_no_room_for_its_request() {
    let server = Server::start_for(1, ServerLimits::default(), reader()).await;
    // It takes the only place, and never ends.
    let mut held = server.connect().await;
    let upload =
        b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\nexpect: 100-continue\r\n\r\n";
    held.write_all(upload).await.unwrap();
    // The body is asked for: so the place is taken.
    held.read_exact(&mut [0; 20]).await.unwrap();
    let ask = |method: &str, fields: &str| {
        let end = "host: x\r\nconnection: close\r\n\r\n";
        format!("{method} / HTTP/1.1\r\n{fields}{end}")
    };
    let allowed = format!("origin: {ORIGIN}\r\n");
    let grant = format!("access-control-allow-origin: {ORIGIN}\r\n");
    let refused = server.exchange(&ask("GET", &allowed)).await;
    assert!(refused.starts_with("HTTP/1.1 503"), "{refused}");
    for field in [
        &*grant,
        "access-control-expose-headers: ",
        "vary: Origin",
        "retry-after: ",
    ] {
        assert!(
            refused
                .to_ascii_lowercase()
                .contains(&field.to_ascii_lowercase()),
            "{field}: {refused}"
        );
    }
    let preflight = format!("{allowed}access-control-request-method: PUT\r\n");
    let answer = server.exchange(&ask("OPTIONS", &preflight)).await;
    assert!(
        answer.starts_with("HTTP/1.1 204") && answer.contains(&grant),
        "{answer}"
    );
    for fields in ["", "origin: https://elsewhere.example\r\n"] {
        let refused = server.exchange(&ask("GET", fields)).await;
        assert!(refused.starts_with("HTTP/1.1 503"), "{refused}");
        assert!(!refused.contains("access-control-allow"), "{refused}");
    }
    // Neither does a request that HTTP forbids stay without an answer that can be read.
    let forbidden = format!("GET / HTTP/1.1\r\n{allowed}host: x\r\nhost: y\r\n\r\n");
    let refused = server.exchange(&forbidden).await;
    assert!(
        refused.starts_with("HTTP/1.1 400") && refused.contains(&grant),
        "{refused}"
    );
    drop(held);
}
