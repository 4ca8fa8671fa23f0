//! A minimal OTLP collector over HTTP, which keeps the spans it receives.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::header::HeaderValue;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::{JoinHandle, JoinSet};

/// How long spans may take to arrive.
const PATIENCE: Duration = Duration::from_mins(1);

/// A running collector. Dropping it closes it and all its connections.
#[derive(Debug)]
pub struct Collector {
    address: SocketAddr,
    received: Arc<Received>,
    serving: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Received {
    spans: Mutex<Vec<Span>>,
    more: Notify,
}

impl Collector {
    /// Starts it on a free port.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound port has an address");
        let received = Arc::<Received>::default();
        Self {
            address,
            serving: tokio::spawn(serve(listener, Arc::clone(&received))),
            received,
        }
    }

    /// The endpoint for an OpenTelemetry exporter.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Returns the spans of a trace, once `is_enough` accepts them.
    pub async fn trace(&self, id: &str, is_enough: impl Fn(&[Span]) -> bool) -> Vec<Span> {
        let waiting = async {
            loop {
                // Subscribed before the check, so that no notification is missed.
                let more = self.received.more.notified();
                let spans = self.spans_of(id);
                if is_enough(&spans) {
                    return spans;
                }
                more.await;
            }
        };
        tokio::time::timeout(PATIENCE, waiting)
            .await
            .unwrap_or_else(|_| panic!("of the trace there is only {:#?}", self.spans_of(id)))
    }

    fn spans_of(&self, id: &str) -> Vec<Span> {
        let spans = self.received.spans.lock();
        let spans = spans.unwrap_or_else(PoisonError::into_inner);
        let of_it = |span: &&Span| hexadecimal(&span.trace_id) == id;
        spans.iter().filter(of_it).cloned().collect()
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// An id in the format of `traceparent`.
#[must_use]
pub fn hexadecimal(id: &[u8]) -> String {
    let mut text = String::with_capacity(2 * id.len());
    for byte in id {
        let digit = |value: u8| char::from_digit(value.into(), 16);
        text.extend(digit(byte >> 4).into_iter().chain(digit(byte & 0xf)));
    }
    text
}

async fn serve(listener: TcpListener, received: Arc<Received>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        connections.spawn(answer(stream, Arc::clone(&received)));
    }
}

async fn answer(stream: TcpStream, received: Arc<Received>) {
    let service = service_fn(move |request| take_in(request, Arc::clone(&received)));
    // A client may disconnect at any time.
    let _ = http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

async fn take_in(
    request: Request<Incoming>,
    received: Arc<Received>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let status = |code| {
        let answer = Response::builder().status(code).body(Full::default());
        Ok(answer.expect("a status is an answer"))
    };
    let is_protobuf = request
        .headers()
        .get("content-type")
        .map(HeaderValue::as_bytes)
        == Some(b"application/x-protobuf");
    if request.uri().path() != "/v1/traces" || !is_protobuf {
        return status(404);
    }
    let Ok(body) = request.into_body().collect().await else {
        return status(400);
    };
    let Ok(sent) = ExportTraceServiceRequest::decode(body.to_bytes()) else {
        return status(400);
    };
    let scopes = sent
        .resource_spans
        .into_iter()
        .flat_map(|resource| resource.scope_spans);
    let spans = scopes.flat_map(|scope| scope.spans);
    let mut kept = received
        .spans
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    kept.extend(spans);
    drop(kept);
    received.more.notify_waiters();
    status(200)
}
