//! One connection, from accept to close: HTTP/1.1 or HTTP/2 over clear text, as the client begins.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderValue;
use http::header::CONNECTION;
use http_body_util::combinators::BoxBody;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use poem::http::uri::Scheme;
use poem::web::{LocalAddr, RemoteAddr};
use poem::{Addr, Endpoint, Request, RequestParts};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use super::ServerLimits;
use super::accept::SharedEndpoint;
use super::activity::Activity;
use super::request_body::{Patience, RequestBody};
use super::response_body::ResponseBody;
use super::socket::{Linger, Socket};

const CLOSE: HeaderValue = HeaderValue::from_static("close");

/// What one HTTP/2 stream may send before it is read: as much as a large chunk for storage.
const STREAM_WINDOW: u32 = 1 << 20;
/// What all streams of a connection may send before they are read: it bounds memory.
const CONNECTION_WINDOW: u32 = 4 << 20;
/// Frames of 16 KiB, the default, cost sixteen times the work of these.
const FRAME: u32 = 256 << 10;
/// The header of a request; tokens and names fit many times.
const HEADER_BYTES: u32 = 32 << 10;
/// Header fields of a request.
const HEADER_FIELDS: usize = 100;
/// What one HTTP/1.1 connection may hold in its read buffer.
const READ_BUFFER: usize = 512 << 10;
/// A dead HTTP/2 peer is noticed by a ping this often, and given as long to answer.
const PING: Duration = Duration::from_secs(20);
/// While draining: time for a request that is on its way to arrive, and for the last bytes to
/// leave, before a connection without a request is closed.
const DRAIN_IDLE: Duration = Duration::from_millis(500);

/// What a connection needs to be served.
pub(super) struct Connection {
    pub(super) endpoint: SharedEndpoint,
    pub(super) limits: ServerLimits,
    pub(super) shutdown: CancellationToken,
    pub(super) peer: SocketAddr,
}

impl Connection {
    /// Serves the connection to its end. Errors are the peer's and of no interest beyond a debug line.
    pub(super) async fn serve(self, stream: TcpStream) {
        let local = stream.local_addr().ok();
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "could not set TCP_NODELAY");
        }
        let linger = Linger::default();
        let activity = Arc::new(Activity::default());
        let socket = Socket::new(stream, self.limits.write_stall, linger.clone());
        let service = service_fn(|request: http::Request<Incoming>| {
            let in_flight = activity.begin();
            let reused = request.version() == http::Version::HTTP_11;
            let request = self.request(request, local, &linger);
            let endpoint = Arc::clone(&self.endpoint);
            let (linger, shutdown) = (linger.clone(), self.shutdown.clone());
            async move {
                let mut response: http::Response<BoxBody<_, _>> =
                    endpoint.get_response(request).await.into();
                // What is left of the body would be read as the next request; and a server that
                // stops reads no next request.
                if reused && (linger.is_asked() || shutdown.is_cancelled()) {
                    response.headers_mut().insert(CONNECTION, CLOSE);
                }
                Ok::<_, Infallible>(response.map(|body| ResponseBody::new(body, in_flight)))
            }
        });
        let builder = self.builder();
        let mut connection =
            std::pin::pin!(builder.serve_connection(TokioIo::new(socket), service));
        // The connection is looked at first: on a busy machine a time may be over before what has
        // long arrived was read.
        let result = tokio::select! {
            biased;
            result = connection.as_mut() => result,
            () = activity.quiet(self.limits.first_request, self.limits.idle) => return,
            () = self.shutdown.cancelled() => {
                // Whoever has just connected, or kept a connection, may be sending a request.
                tokio::select! {
                    biased;
                    result = connection.as_mut() => return log(self.peer, result),
                    () = activity.busy(DRAIN_IDLE) => {}
                }
                connection.as_mut().graceful_shutdown();
                tokio::select! {
                    biased;
                    result = connection.as_mut() => result,
                    () = activity.quiet(DRAIN_IDLE, DRAIN_IDLE) => return,
                }
            }
        };
        log(self.peer, result);
    }

    fn builder(&self) -> auto::Builder<TokioExecutor> {
        let mut builder = auto::Builder::new(TokioExecutor::new());
        builder
            .http1()
            .timer(TokioTimer::new())
            .header_read_timeout(self.limits.header)
            .max_headers(HEADER_FIELDS)
            .max_buf_size(READ_BUFFER);
        builder
            .http2()
            .timer(TokioTimer::new())
            .max_concurrent_streams(self.limits.streams)
            .max_header_list_size(HEADER_BYTES)
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_frame_size(FRAME)
            .keep_alive_interval(PING)
            .keep_alive_timeout(PING);
        builder
    }

    fn request(
        &self,
        request: http::Request<Incoming>,
        local: Option<SocketAddr>,
        linger: &Linger,
    ) -> Request {
        let (parts, body) = request.into_parts();
        let local = local.map_or_else(LocalAddr::default, |address| {
            LocalAddr(Addr::SocketAddr(address))
        });
        let peer = RemoteAddr(Addr::SocketAddr(self.peer));
        let parts = RequestParts::from((parts, local, peer, Scheme::HTTP));
        let patience = Patience {
            chunk: self.limits.body_chunk,
            rate: self.limits.body_rate,
        };
        let body = RequestBody::new(body, patience, linger.clone());
        Request::from_parts(parts, BoxBody::new(body).into())
    }
}

fn log(peer: SocketAddr, result: Result<(), Box<dyn std::error::Error + Send + Sync>>) {
    if let Err(error) = result {
        tracing::debug!(client.address = %peer, error, "connection ended early");
    }
}
