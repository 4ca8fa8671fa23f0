//! Forwards HTTP requests to a server on a port of 127.0.0.1, keeps their heads, and changes or refuses
//! those that a test names. Unlike the gate it reads each request whole.

use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::header::{CONNECTION, HeaderMap, TRANSFER_ENCODING};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

/// A running recorder. Dropping it closes it and all its connections.
#[derive(Debug)]
pub struct Recorder {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    serving: JoinHandle<()>,
}

/// The head of a request.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// Its method.
    pub method: Method,
    /// Its path and query.
    pub path: String,
    /// Its header fields.
    pub headers: HeaderMap,
}

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passing {
    /// It is forwarded.
    On,
    /// It is forwarded with another first byte of its body.
    Corrupted,
    /// It is answered with this status, without a body.
    Refused(u16),
}

type Rule = Box<dyn FnMut(&Recorded) -> Passing + Send>;

struct State {
    rule: Rule,
    recorded: Vec<Recorded>,
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.recorded.fmt(f)
    }
}

impl Recorded {
    /// A header field.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }
}

impl Recorder {
    /// Starts one in front of the server on `port`. It forwards all requests.
    pub async fn before(port: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await;
        let listener = listener.expect("a port is free");
        let address = listener.local_addr().expect("a bound port has an address");
        let state = Arc::new(Mutex::new(State {
            rule: Box::new(|_| Passing::On),
            recorded: Vec::new(),
        }));
        let serving = tokio::spawn(serve(listener, port, Arc::clone(&state)));
        Self {
            address,
            state,
            serving,
        }
    }

    /// Its port.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.address.port()
    }

    /// The URL of a server on `port`, with this in front of it.
    #[must_use]
    pub fn in_front(&self, url: &str, port: u16) -> String {
        let (server, own) = (format!("127.0.0.1:{port}"), self.address.to_string());
        assert!(url.contains(&server), "{url} has another port than {port}");
        url.replace(&server, &own)
    }

    /// Decides by this rule what becomes of further requests.
    pub fn passes(&self, rule: impl FnMut(&Recorded) -> Passing + Send + 'static) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.rule = Box::new(rule);
    }

    /// What was recorded since the last call.
    #[must_use]
    pub fn takes(&self) -> Vec<Recorded> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut state.recorded)
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn serve(listener: TcpListener, port: u16, state: Arc<Mutex<State>>) {
    let client = reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .build();
    let client = client.expect("a client without TLS can be built");
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        connections.spawn(pass_all(stream, port, client.clone(), Arc::clone(&state)));
    }
}

async fn pass_all(stream: TcpStream, port: u16, client: reqwest::Client, state: Arc<Mutex<State>>) {
    let service = service_fn(|request| pass(request, port, &client, &state));
    let serving = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    // The service may be killed at any time.
    let _ = serving.await;
}

async fn pass(
    request: Request<Incoming>,
    port: u16,
    client: &reqwest::Client,
    state: &Mutex<State>,
) -> Result<Response<Full<Bytes>>, Box<dyn std::error::Error + Send + Sync>> {
    let (head, body) = request.into_parts();
    let mut body = body.collect().await?.to_bytes();
    let recorded = Recorded {
        method: head.method,
        path: head.uri.to_string(),
        headers: head.headers,
    };
    let passing = {
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        let passing = (state.rule)(&recorded);
        state.recorded.push(recorded.clone());
        passing
    };
    match passing {
        Passing::On => {}
        Passing::Corrupted => {
            let mut bytes = BytesMut::from(body);
            if let Some(first) = bytes.first_mut() {
                *first ^= 1;
            }
            body = bytes.freeze();
        }
        Passing::Refused(status) => {
            return Ok(Response::builder().status(status).body(Full::default())?);
        }
    }
    let mut headers = recorded.headers;
    for hop in [CONNECTION, TRANSFER_ENCODING] {
        headers.remove(hop);
    }
    let url = format!("http://127.0.0.1:{port}{}", recorded.path);
    let sent = client.request(recorded.method, url).headers(headers);
    let answer = sent.body(body).send().await?;
    let mut response = Response::builder().status(answer.status());
    for (name, value) in answer.headers() {
        // The length of what HEAD describes is kept.
        if name != CONNECTION && name != TRANSFER_ENCODING {
            response = response.header(name, value);
        }
    }
    Ok(response.body(Full::new(answer.bytes().await?))?)
}
