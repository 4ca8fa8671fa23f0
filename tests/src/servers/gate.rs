//! A gate in front of a server: forwards bytes until it is told to stall them, to cut connections,
//! or to refuse requests. Tests of network faults put one in front of each server. It knows nothing
//! of the protocol, except where HTTP requests begin and end.

use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Mutex, watch};
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::http_requests::Requests;
use super::process::free_port;

/// The bytes forwarded in one chunk.
const CHUNK: usize = 64 << 10;

/// The number of chunks until a cut, if none is ordered.
const NEVER: i64 = i64::MAX;

/// The behaviour of the gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// Bytes are forwarded.
    Open,
    /// Bytes are held back, as by a dead network.
    Stalled,
    /// Connections are reset, existing and new ones.
    Shut,
}

/// The disturbance of HTTP requests, if any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disturbance {
    /// All are forwarded.
    None,
    /// Every third is answered 503 and not forwarded.
    Refusals,
    /// Every third ends in a reset: alternately before it is forwarded, and before its response is.
    Resets,
}

#[derive(Clone, Copy, Debug)]
struct Orders {
    flow: Flow,
    disturbance: Disturbance,
    /// How long each request is held back.
    delay: Duration,
    /// Notified to cut all connections.
    cuts: u64,
}

/// A gate on a port of 127.0.0.1. It closes when it is dropped.
#[derive(Debug)]
pub struct Gate {
    port: u16,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    target: SocketAddr,
    orders: watch::Sender<Orders>,
    /// The number of chunks to forward before a cut.
    chunks_left: AtomicI64,
    /// Whether the gate stays shut after that cut.
    stays_shut: AtomicBool,
    /// Whether the gate stalls instead of that cut.
    stalls: AtomicBool,
    /// The number of HTTP requests so far, to disturb every third.
    requests: AtomicI64,
    speaks_http: bool,
}

impl Gate {
    /// A gate in front of a server on a port of 127.0.0.1, for any protocol.
    pub async fn before(port: u16) -> Self {
        Self::open(port, false).await
    }

    /// A gate in front of an HTTP/1.1 server, which parses the requests.
    pub async fn before_http(port: u16) -> Self {
        Self::open(port, true).await
    }

    async fn open(target: u16, speaks_http: bool) -> Self {
        let (listener, port) = listen().await;
        let orders = Orders {
            flow: Flow::Open,
            disturbance: Disturbance::None,
            delay: Duration::ZERO,
            cuts: 0,
        };
        let shared = Arc::new(Shared {
            target: SocketAddr::from(([127, 0, 0, 1], target)),
            orders: watch::Sender::new(orders),
            chunks_left: AtomicI64::new(NEVER),
            stays_shut: AtomicBool::new(false),
            stalls: AtomicBool::new(false),
            requests: AtomicI64::new(0),
            speaks_http,
        });
        let accepting = tokio::spawn(accept(listener, Arc::clone(&shared)));
        Self {
            port,
            shared,
            accepting,
        }
    }

    /// The port of the gate.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// How many requests have come.
    #[must_use]
    pub fn requests(&self) -> i64 {
        assert!(self.shared.speaks_http, "requests can't be told apart");
        self.shared.requests.load(Ordering::SeqCst)
    }

    /// Changes the behaviour.
    pub fn set(&self, flow: Flow) {
        self.shared.orders.send_modify(|orders| orders.flow = flow);
        if flow == Flow::Shut {
            self.shared.cut();
        }
    }

    /// Changes the disturbance of requests.
    pub fn disturb(&self, disturbance: Disturbance) {
        assert!(self.shared.speaks_http, "requests can't be told apart");
        self.shared
            .orders
            .send_modify(|orders| orders.disturbance = disturbance);
    }

    /// Holds each request back for so long, as a distant server would.
    pub fn delay(&self, delay: Duration) {
        assert!(self.shared.speaks_http, "requests can't be told apart");
        self.shared
            .orders
            .send_modify(|orders| orders.delay = delay);
    }

    /// Forwards so many chunks in both directions; the next one is lost, and all connections are
    /// reset. Then the gate behaves as before.
    pub fn cut_after(&self, chunks: u32) {
        self.shared
            .chunks_left
            .store(chunks.into(), Ordering::SeqCst);
    }

    /// As [`Self::cut_after`], and resets further connections until it is opened again.
    pub fn shut_after(&self, chunks: u32) {
        self.shared.stays_shut.store(true, Ordering::SeqCst);
        self.cut_after(chunks);
    }

    /// Forwards so many chunks in both directions, and holds back all others until it is opened.
    pub fn stall_after(&self, chunks: u32) {
        self.shared.stalls.store(true, Ordering::SeqCst);
        self.cut_after(chunks);
    }

    /// Whether an ordered cut or stall has happened.
    #[must_use]
    pub fn has_cut(&self) -> bool {
        self.shared.chunks_left.load(Ordering::SeqCst) > i64::from(u32::MAX)
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.accepting.abort();
        self.set(Flow::Shut);
    }
}

async fn listen() -> (TcpListener, u16) {
    loop {
        let port = free_port();
        // Another process may have taken the port.
        if let Ok(listener) = TcpListener::bind(("127.0.0.1", port)).await {
            return (listener, port);
        }
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((client, _)) = listener.accept().await {
        tokio::spawn(Arc::clone(&shared).serve(client));
    }
}

/// The reason why a connection ended.
enum End {
    Closed,
    Cut,
}

impl Shared {
    fn cut(&self) {
        self.orders.send_modify(|orders| orders.cuts += 1);
    }

    async fn serve(self: Arc<Self>, client: TcpStream) {
        let mut orders = self.orders.subscribe();
        let before = orders.borrow_and_update().cuts;
        if orders.borrow().flow == Flow::Shut {
            drop(client.set_zero_linger());
            return;
        }
        let Ok(server) = TcpStream::connect(self.target).await else {
            drop(client.set_zero_linger());
            return;
        };
        drop((client.set_nodelay(true), server.set_nodelay(true)));
        // Forwarded bytes must not be lost by a close: only a cut resets.
        let ((from_client, to_client), (from_server, to_server)) =
            (client.into_split(), server.into_split());
        let to_client = Arc::new(Mutex::new(to_client));
        let loses_answer = AtomicBool::new(false);
        let end = {
            let asking = async {
                if self.speaks_http {
                    self.pass_requests(from_client, to_server, &to_client, &loses_answer)
                        .await
                } else {
                    self.pass(from_client, to_server).await
                }
            };
            let answering = self.pass_answers(from_server, &to_client, &loses_answer);
            tokio::select! {
                // Either side may close its half and still read the other.
                end = async { match asking.await { End::Closed => pending().await, End::Cut => End::Cut } } => end,
                end = answering => end,
                _ = orders.wait_for(|orders| orders.cuts > before) => End::Cut,
            }
        };
        if let (End::Cut, to_client) = (end, to_client.lock().await) {
            drop(to_client.as_ref().set_zero_linger());
        }
    }

    /// Counts a chunk; `false` if it is the lost one.
    async fn lets_pass(&self) -> bool {
        if self.chunks_left.load(Ordering::SeqCst) != NEVER
            && self.chunks_left.fetch_sub(1, Ordering::SeqCst) == 0
        {
            self.chunks_left.store(NEVER, Ordering::SeqCst);
            if self.stalls.swap(false, Ordering::SeqCst) {
                self.orders
                    .send_modify(|orders| orders.flow = Flow::Stalled);
                self.until_open().await;
                return true;
            }
            if self.stays_shut.swap(false, Ordering::SeqCst) {
                self.orders.send_modify(|orders| orders.flow = Flow::Shut);
            }
            self.cut();
            return false;
        }
        self.until_open().await;
        true
    }

    async fn until_open(&self) {
        let mut orders = self.orders.subscribe();
        // The sender belongs to the gate, so it can't be dropped.
        let _ = orders.wait_for(|orders| orders.flow != Flow::Stalled).await;
    }

    async fn pass(&self, mut from: OwnedReadHalf, mut to: OwnedWriteHalf) -> End {
        let mut buffer = vec![0; CHUNK];
        loop {
            match from.read(&mut buffer).await {
                Ok(0) | Err(_) => return End::Closed,
                Ok(length) => {
                    if !self.lets_pass().await {
                        return End::Cut;
                    }
                    if to.write_all(&buffer[..length]).await.is_err() {
                        return End::Closed;
                    }
                }
            }
        }
    }

    async fn pass_answers(
        &self,
        mut from: OwnedReadHalf,
        to: &Mutex<OwnedWriteHalf>,
        loses_answer: &AtomicBool,
    ) -> End {
        let mut buffer = vec![0; CHUNK];
        loop {
            match from.read(&mut buffer).await {
                Ok(0) | Err(_) => return End::Closed,
                Ok(length) => {
                    if loses_answer.load(Ordering::SeqCst) || !self.lets_pass().await {
                        return End::Cut;
                    }
                    if to.lock().await.write_all(&buffer[..length]).await.is_err() {
                        return End::Closed;
                    }
                }
            }
        }
    }

    async fn pass_requests(
        &self,
        from: OwnedReadHalf,
        mut to: OwnedWriteHalf,
        back: &Mutex<OwnedWriteHalf>,
        loses_answer: &AtomicBool,
    ) -> End {
        let mut requests = Requests::of(from);
        loop {
            let Ok(Some(request)) = requests.next().await else {
                return End::Closed;
            };
            let Orders {
                disturbance, delay, ..
            } = *self.orders.borrow();
            sleep(delay).await;
            let number = self.requests.fetch_add(1, Ordering::SeqCst);
            let passed = match (disturbance, number % 6) {
                (Disturbance::Refusals, 0 | 3) => {
                    drop(requests.skip_body(&request).await);
                    return refuse(back).await;
                }
                (Disturbance::Resets, 0) => return End::Cut,
                (Disturbance::Resets, 3) => {
                    // The server gets all of it, but its response is lost.
                    loses_answer.store(true, Ordering::SeqCst);
                    requests.pass_on(&request, &mut to).await
                }
                _ => {
                    if !self.lets_pass().await {
                        return End::Cut;
                    }
                    requests.pass_on(&request, &mut to).await
                }
            };
            if passed.is_err() {
                return End::Closed;
            }
        }
    }
}

/// Answers as S3 does under too much load, and closes the connection.
async fn refuse(back: &Mutex<OwnedWriteHalf>) -> End {
    const BODY: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\
        <Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>";
    let answer = format!(
        "HTTP/1.1 503 Slow Down\r\nContent-Type: application/xml\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n{BODY}",
        BODY.len()
    );
    let mut back = back.lock().await;
    let written: io::Result<()> = async {
        back.write_all(answer.as_bytes()).await?;
        back.shutdown().await
    }
    .await;
    drop(written);
    End::Closed
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::servers::Redis;

    /// Echoes the bytes of each connection.
    async fn echo() -> u16 {
        let (listener, port) = listen().await;
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let (mut from, mut to) = stream.into_split();
                    tokio::io::copy(&mut from, &mut to).await
                });
            }
        });
        port
    }

    async fn ask(stream: &mut TcpStream) -> io::Result<u8> {
        stream.write_all(b"?").await?;
        stream.read_u8().await
    }

    #[tokio::test]
    async fn a_cut_comes_after_so_many_chunks_and_then_all_passes_again() {
        let gate = Gate::before(echo().await).await;
        let mut stream = TcpStream::connect(("127.0.0.1", gate.port()))
            .await
            .unwrap();
        // Two chunks for each request: there and back.
        gate.cut_after(3);
        assert_eq!(ask(&mut stream).await.unwrap(), b'?');
        assert!(!gate.has_cut());
        ask(&mut stream).await.unwrap_err();
        assert!(gate.has_cut());
        let mut stream = TcpStream::connect(("127.0.0.1", gate.port()))
            .await
            .unwrap();
        assert_eq!(ask(&mut stream).await.unwrap(), b'?');
    }

    #[tokio::test]
    async fn a_shut_gate_resets_old_connections_and_new_ones() {
        let gate = Gate::before(echo().await).await;
        let open = || TcpStream::connect(("127.0.0.1", gate.port()));
        let mut stream = open().await.unwrap();
        assert_eq!(ask(&mut stream).await.unwrap(), b'?');
        gate.set(Flow::Shut);
        ask(&mut stream).await.unwrap_err();
        ask(&mut open().await.unwrap()).await.unwrap_err();
        gate.set(Flow::Open);
        assert_eq!(ask(&mut open().await.unwrap()).await.unwrap(), b'?');
    }

    #[tokio::test]
    async fn each_third_request_is_refused_and_a_body_never_taken_for_a_request() {
        let gate = Gate::before_http(echo().await).await;
        gate.disturb(Disturbance::Refusals);
        let request = b"PUT / HTTP/1.1\r\nContent-Length: 9\r\n\r\nGET /\r\n\r\n";
        let mut refused = 0;
        for _ in 0..6 {
            let mut stream = TcpStream::connect(("127.0.0.1", gate.port()))
                .await
                .unwrap();
            stream.write_all(request).await.unwrap();
            let mut answer = vec![0; request.len()];
            stream.read_exact(&mut answer).await.unwrap();
            if answer.starts_with(b"HTTP/1.1 503") {
                refused += 1;
            } else {
                assert_eq!(answer, request);
            }
        }
        assert_eq!(refused, 2);
    }

    #[tokio::test]
    async fn a_server_behind_a_gate_is_none_the_wiser() {
        let redis = Redis::shared().await;
        let gate = Gate::before(redis.port()).await;
        let client = ::redis::Client::open(format!("redis://127.0.0.1:{}/0", gate.port())).unwrap();
        let mut connection = client.get_multiplexed_async_connection().await.unwrap();
        let answer: String = ::redis::cmd("PING")
            .query_async(&mut connection)
            .await
            .unwrap();
        assert_eq!(answer, "PONG");
    }
}
