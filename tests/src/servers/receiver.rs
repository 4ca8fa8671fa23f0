//! A receiver of webhooks: keeps what it is sent, and answers as a test tells it.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::header::HeaderMap;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use crate::poll::poll;

/// How long a delivery may take.
const PATIENCE: Duration = Duration::from_secs(90);

/// Connections that wait to be accepted.
const BACKLOG: u32 = 128;

/// A running receiver. Dropping it closes it and all its connections.
#[derive(Debug)]
pub struct Receiver {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    serving: JoinHandle<()>,
}

/// The port of a receiver that is down.
#[derive(Debug)]
pub struct Down(TcpSocket);

/// What a receiver answers.
#[derive(Clone, Debug)]
pub enum Reply {
    /// A status, with a field and a body.
    With(u16, Option<(&'static str, String)>, String),
    /// A status, after a while.
    Late(Duration, u16),
    /// Nothing, for ever.
    Nothing,
    /// Nothing: the connection is closed.
    Dies,
}

/// A message that was received.
#[derive(Clone, Debug)]
pub struct Received {
    /// Its path.
    pub path: String,
    /// Its header fields.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
}

#[derive(Debug)]
struct State {
    next: VecDeque<Reply>,
    always: Reply,
    received: Vec<Received>,
    hanging: usize,
}

/// A message that is not answered, until its sender gives up.
struct Hanging(Arc<Mutex<State>>);

impl Drop for Hanging {
    fn drop(&mut self) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.hanging -= 1;
    }
}

impl Reply {
    /// A status alone.
    #[must_use]
    pub const fn status(status: u16) -> Self {
        Self::With(status, None, String::new())
    }
}

impl Received {
    /// A header field.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    /// The body as JSON.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        domain::read_json(&self.body).expect("a message is JSON")
    }
}

impl Receiver {
    /// Starts it on a free port. It answers 204.
    #[must_use]
    pub fn start() -> Self {
        Down::new().comes_up()
    }

    fn at(listener: TcpListener) -> Self {
        let address = listener.local_addr().expect("a bound port has an address");
        let state = Arc::new(Mutex::new(State {
            next: VecDeque::new(),
            always: Reply::status(204),
            received: Vec::new(),
            hanging: 0,
        }));
        Self {
            address,
            serving: tokio::spawn(serve(listener, Arc::clone(&state))),
            state,
        }
    }

    /// Its port.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.address.port()
    }

    /// A URL of it.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Answers the next messages with these, each once.
    pub fn replies_once(&self, replies: impl IntoIterator<Item = Reply>) {
        self.state().next.extend(replies);
    }

    /// Answers all others with this.
    pub fn replies(&self, reply: Reply) {
        self.state().always = reply;
    }

    /// What was received so far.
    #[must_use]
    pub fn received(&self) -> Vec<Received> {
        self.state().received.clone()
    }

    /// How many messages wait for an answer that never comes.
    #[must_use]
    pub fn hanging(&self) -> usize {
        self.state().hanging
    }

    /// What was received, once it is enough.
    pub async fn receives(&self, is_enough: impl Fn(&[Received]) -> bool) -> Vec<Received> {
        poll(PATIENCE, async || {
            let received = self.received();
            if is_enough(&received) {
                Ok(received)
            } else {
                Err(format!("received only {received:#?}"))
            }
        })
        .await
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Down {
    /// Holds a free port, on which nobody listens.
    #[must_use]
    pub fn new() -> Self {
        let socket = TcpSocket::new_v4().expect("a socket can be made");
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        socket.bind(address).expect("a port is free");
        Self(socket)
    }

    /// A URL of it.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        let address = self.0.local_addr().expect("a bound port has an address");
        format!("http://{address}{path}")
    }

    /// Starts the receiver.
    #[must_use]
    pub fn comes_up(self) -> Receiver {
        Receiver::at(self.0.listen(BACKLOG).expect("the port is held"))
    }
}

impl Default for Down {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn serve(listener: TcpListener, state: Arc<Mutex<State>>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        connections.spawn(answer_all(stream, Arc::clone(&state)));
    }
}

async fn answer_all(stream: TcpStream, state: Arc<Mutex<State>>) {
    let service = service_fn(|request| answer(request, Arc::clone(&state)));
    let serving = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    // The service may be killed at any time.
    let _ = serving.await;
}

async fn answer(
    request: Request<Incoming>,
    state: Arc<Mutex<State>>,
) -> Result<Response<Full<Bytes>>, io::Error> {
    let (head, body) = request.into_parts();
    let body = body
        .collect()
        .await
        .map(http_body_util::Collected::to_bytes);
    let reply = {
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        state.received.push(Received {
            path: head.uri.to_string(),
            headers: head.headers,
            body: body.unwrap_or_default(),
        });
        let next = state.next.pop_front();
        next.unwrap_or_else(|| state.always.clone())
    };
    let (status, field, text) = match reply {
        Reply::With(status, field, text) => (status, field, text),
        Reply::Late(pause, status) => {
            tokio::time::sleep(pause).await;
            (status, None, String::new())
        }
        Reply::Nothing => {
            state.lock().unwrap_or_else(PoisonError::into_inner).hanging += 1;
            let _hanging = Hanging(state);
            std::future::pending().await
        }
        Reply::Dies => return Err(io::ErrorKind::ConnectionAborted.into()),
    };
    let mut response = Response::builder().status(status);
    if let Some((name, value)) = field {
        response = response.header(name, value);
    }
    let response = response.body(Full::new(text.into()));
    Ok(response.expect("a test's reply is HTTP"))
}
