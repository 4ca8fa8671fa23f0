//! The accept loop: accepts connections, bounds their number, and drains them at shutdown.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use poem::endpoint::ToDynEndpoint;
use poem::{Endpoint, Response};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::{AbortOnDropHandle, TaskTracker};

use super::activity::Activity;
use super::comments::Comments;
use super::connection::Connection;
use super::connections::{Connections, Slot};
use super::exchange::{Door, SharedEndpoint};
use crate::capacity::Account;

/// The pause after an accept error of the system (no file descriptors, no memory).
const SHORTEST_BACK_OFF: Duration = Duration::from_millis(50);
/// The longest such pause.
const LONGEST_BACK_OFF: Duration = Duration::from_secs(2);

/// Serves `endpoint` on `listener` until `shutdown`, then lets requests in flight finish within the
/// grace period, and returns when all connections are closed.
pub async fn serve<E>(listener: TcpListener, endpoint: E, door: Door, shutdown: CancellationToken)
where
    E: Endpoint<Output = Response> + 'static,
{
    let meters = door.capacity.meters().clone();
    let open = Connections::new(door.limits.connections, meters);
    let comments = Arc::new(Comments::default());
    let _commenting = AbortOnDropHandle::new(tokio::spawn({
        let comments = Arc::clone(&comments);
        async move { comments.run().await }
    }));
    let acceptor = Acceptor {
        endpoint: Arc::new(ToDynEndpoint(endpoint)),
        door,
        shutdown,
        open: Arc::new(open),
        comments,
        tasks: TaskTracker::new(),
        abort: CancellationToken::new(),
    };
    acceptor.accept(&listener).await;
    // Clients in the kernel's queue consider themselves connected; closing would reset them.
    while let Some(Ok((stream, peer))) = listener.accept().now_or_never() {
        acceptor.spawn(stream, peer, None);
    }
    drop(listener);
    acceptor.drain().await;
}

/// The configuration of accepted connections.
struct Acceptor {
    endpoint: SharedEndpoint,
    door: Door,
    shutdown: CancellationToken,
    open: Arc<Connections>,
    comments: Arc<Comments>,
    tasks: TaskTracker,
    /// Cancelled when the grace period is over.
    abort: CancellationToken,
}

impl Acceptor {
    async fn accept(&self, listener: &TcpListener) {
        let mut back_off = SHORTEST_BACK_OFF;
        loop {
            let accepted = tokio::select! {
                biased;
                () = self.shutdown.cancelled() => return,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, peer)) => {
                    back_off = SHORTEST_BACK_OFF;
                    // Idle connections are closed only when another needs their slot. One waiting
                    // at shutdown is served like those in the kernel's queue.
                    let slot = tokio::select! {
                        biased;
                        slot = self.open.slot() => slot,
                        () = self.shutdown.cancelled() => None,
                    };
                    self.spawn(stream, peer, slot);
                }
                Err(error) if is_of_one_connection(&error) => {}
                Err(error) => {
                    tracing::warn!(%error, back_off_ms = back_off.as_millis(), "failed to accept a connection");
                    tokio::time::sleep(back_off).await;
                    back_off = (back_off * 2).min(LONGEST_BACK_OFF);
                }
            }
        }
    }

    fn spawn(&self, stream: TcpStream, peer: SocketAddr, slot: Option<Slot>) {
        let activity = Arc::new(Activity::default());
        let account = Account::of_peer(peer);
        let registered = self.open.register(account, &activity);
        let connection = Connection {
            endpoint: Arc::clone(&self.endpoint),
            door: self.door.clone(),
            shutdown: self.shutdown.clone(),
            peer,
            activity,
            comments: Arc::clone(&self.comments),
            close: registered.close.clone(),
            slot,
        };
        let abort = self.abort.clone();
        self.tasks.spawn(async move {
            // To the end of the connection, which may be that of an endless response.
            let _registered = registered;
            tokio::select! {
                () = connection.serve(stream) => {}
                () = abort.cancelled() => {}
            }
        });
    }

    async fn drain(self) {
        self.tasks.close();
        let ended = tokio::time::timeout(self.door.limits.grace, self.tasks.wait()).await;
        if ended.is_err() {
            tracing::warn!(
                connections = self.tasks.len(),
                "closing connections at the end of the grace period"
            );
            self.abort.cancel();
            self.tasks.wait().await;
        }
    }
}

/// Returns whether the error concerns only this connection, not the system.
fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
    )
}
