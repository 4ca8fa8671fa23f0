//! Serves one connection from accept to close: HTTP/1.1 or clear-text HTTP/2, as the client starts.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::net::TcpStream;
use tokio::task::yield_now;
use tokio_util::sync::CancellationToken;

use super::activity::Activity;
use super::comments::Comments;
use super::connections::Slot;
use super::edges::HEADER_BYTES;
use super::endless;
use super::exchange::{Door, Exchange, SharedEndpoint};
use super::handover::Handover;
use super::progress::StreamExecutor;
use super::socket::{Linger, Reader, Socket};

/// The receive window of an HTTP/2 stream: a large chunk for storage.
const STREAM_WINDOW: u32 = 512 << 10;
/// The receive window of a connection; bounds memory.
const CONNECTION_WINDOW: u32 = 1 << 20;
/// The send buffer of an HTTP/2 stream.
const STREAM_BUFFER: usize = 64 << 10;
/// The default frames of 16 KiB cost sixteen times the work.
const FRAME: u32 = 256 << 10;
/// The most header fields of a request.
const HEADER_FIELDS: usize = 100;
/// The read buffer of an HTTP/1.1 connection, which must fit a whole header. Needs no
/// authentication.
const READ_BUFFER: usize = 64 << 10;
/// The most streams that a peer may open and reset before they are accepted; more end the
/// connection.
const RESET_AT_ONCE: usize = 20;
/// The most streams reset for errors of the peer; more end the connection.
const FAULTY_STREAMS: usize = 64;
/// The interval and timeout of HTTP/2 pings.
const PING: Duration = Duration::from_secs(20);
/// While draining: the time for a request in transit to arrive, and for the last bytes to leave,
/// before an idle connection is closed.
const DRAIN_IDLE: Duration = Duration::from_millis(500);

/// What a connection needs to be served.
pub(super) struct Connection {
    pub(super) endpoint: SharedEndpoint,
    pub(super) door: Door,
    pub(super) shutdown: CancellationToken,
    pub(super) peer: SocketAddr,
    pub(super) activity: Arc<Activity>,
    pub(super) comments: Arc<Comments>,
    /// Cancelled to make room.
    pub(super) close: CancellationToken,
    /// `None` if it was accepted during shutdown.
    pub(super) slot: Option<Slot>,
}

impl Connection {
    /// Serves the connection to its end. Errors are caused by the peer and only logged at debug
    /// level.
    pub(super) async fn serve(mut self, stream: TcpStream) {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "failed to set TCP_NODELAY");
        }
        let (peer, mut slot) = (self.peer, self.slot.take());
        let comments = Arc::clone(&self.comments);
        let (linger, reader) = (Linger::default(), Reader::default());
        let exchange = Exchange {
            endpoint: Arc::clone(&self.endpoint),
            door: self.door.clone(),
            shutdown: self.shutdown.clone(),
            peer,
            local: stream.local_addr().ok(),
            linger: linger.clone(),
            reader: reader.clone(),
            handover: Handover::new(Socket::new(
                stream,
                self.door.limits.write_stall,
                (reader, linger),
            )),
        };
        let handover = exchange.handover.clone();
        // Boxed: an endless response needs nothing of it.
        Box::pin(self.exchanges(exchange)).await;
        if let Some((socket, body)) = handover.take() {
            drop(handover);
            if let Some(slot) = &mut slot {
                slot.opens_no_files();
            }
            if let Err(error) = endless::send(socket, body, &comments).await {
                tracing::debug!(client.address = %peer, %error, "an endless response ended early");
            }
        }
    }

    /// Answers requests until the connection ends, or belongs to an endless response.
    async fn exchanges(self, exchange: Exchange) {
        let handover = exchange.handover.clone();
        let activity = Arc::clone(&self.activity);
        let exchange = Arc::new(exchange);
        let service = service_fn(|request: http::Request<Incoming>| {
            let in_flight = activity.begin();
            let exchange = Arc::clone(&exchange);
            // Boxed: while a response is sent, which may take hours, it takes no room any more.
            async move { Ok::<_, Infallible>(Box::pin(exchange.answer(request, in_flight)).await) }
        });
        let builder = self.builder();
        let mut connection =
            std::pin::pin!(builder.serve_connection(TokioIo::new(handover.clone()), service));
        // Poll the connection first: on a busy machine a timeout may expire before received bytes
        // are read.
        let result = tokio::select! {
            biased;
            result = connection.as_mut() => result,
            () = handover.is_due() => return,
            () = activity.quiet(self.door.limits.first_request, self.door.limits.idle) => return,
            () = self.close.cancelled() => {
                // A request may have arrived of which the runtime learns only now. It is the last.
                tokio::select! {
                    biased;
                    result = connection.as_mut() => return log(self.peer, result),
                    () = handover.is_due() => return,
                    () = yield_now() => {}
                }
                connection.as_mut().graceful_shutdown();
                tokio::select! {
                    biased;
                    result = connection.as_mut() => result,
                    () = handover.is_due() => return,
                    () = activity.vacant() => return,
                }
            }
            () = self.shutdown.cancelled() => {
                // A new or kept-alive connection may have a request in transit.
                tokio::select! {
                    biased;
                    result = connection.as_mut() => return log(self.peer, result),
                    () = handover.is_due() => return,
                    () = activity.busy(DRAIN_IDLE) => {}
                }
                connection.as_mut().graceful_shutdown();
                tokio::select! {
                    biased;
                    result = connection.as_mut() => result,
                    () = handover.is_due() => return,
                    () = activity.quiet(DRAIN_IDLE, DRAIN_IDLE) => return,
                }
            }
        };
        log(self.peer, result);
    }

    fn builder(&self) -> auto::Builder<StreamExecutor> {
        let mut builder = auto::Builder::new(StreamExecutor {
            stall: self.door.limits.write_stall,
        });
        builder
            .http1()
            .timer(TokioTimer::new())
            .header_read_timeout(self.door.limits.header)
            .max_headers(HEADER_FIELDS)
            .max_buf_size(READ_BUFFER);
        builder
            .http2()
            .timer(TokioTimer::new())
            .max_concurrent_streams(self.door.limits.streams)
            .max_header_list_size(HEADER_BYTES)
            .max_pending_accept_reset_streams(RESET_AT_ONCE)
            .max_local_error_reset_streams(FAULTY_STREAMS)
            .max_send_buf_size(STREAM_BUFFER)
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_frame_size(FRAME)
            .keep_alive_interval(PING)
            .keep_alive_timeout(PING);
        builder
    }
}

fn log(peer: SocketAddr, result: Result<(), Box<dyn std::error::Error + Send + Sync>>) {
    if let Err(error) = result {
        tracing::debug!(client.address = %peer, error, "connection ended early");
    }
}
