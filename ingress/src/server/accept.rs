//! The accept loop: takes connections in, holds their number down, and drains them at the end.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use poem::endpoint::{DynEndpoint, ToDynEndpoint};
use poem::{Endpoint, Response};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::ServerLimits;
use super::connection::Connection;

/// The pause after an accept error that is the machine's (no file descriptors, no memory).
const SHORTEST_BACK_OFF: Duration = Duration::from_millis(50);
/// The longest such pause: a machine that recovers is noticed within it.
const LONGEST_BACK_OFF: Duration = Duration::from_secs(2);

/// The endpoint as connections share it.
pub(super) type SharedEndpoint = Arc<dyn DynEndpoint<Output = Response>>;

/// Serves `endpoint` on `listener` until `shutdown`, then lets requests in
/// flight go on for the grace period of `limits`, and returns when all connections are closed.
pub async fn serve<E>(
    listener: TcpListener,
    endpoint: E,
    limits: ServerLimits,
    shutdown: CancellationToken,
) where
    E: Endpoint<Output = Response> + 'static,
{
    let endpoint: SharedEndpoint = Arc::new(ToDynEndpoint(endpoint));
    let connections = TaskTracker::new();
    let abort = CancellationToken::new();
    let accepting = accept(
        &listener,
        &endpoint,
        limits,
        &connections,
        &shutdown,
        &abort,
    );
    tokio::select! {
        () = accepting => {}
        () = shutdown.cancelled() => {}
    }
    // Whoever is in the kernel's queue believes to be connected: closing it would reset them.
    while let Some(Ok((stream, peer))) = listener.accept().now_or_never() {
        let connection = Connection {
            endpoint: Arc::clone(&endpoint),
            limits,
            shutdown: shutdown.clone(),
            peer,
        };
        spawn(&connections, connection, stream, &abort, None);
    }
    drop(listener);
    connections.close();
    if tokio::time::timeout(limits.grace, connections.wait())
        .await
        .is_err()
    {
        tracing::warn!(
            connections = connections.len(),
            "cutting off what the grace period did not end"
        );
        abort.cancel();
        connections.wait().await;
    }
}

async fn accept(
    listener: &TcpListener,
    endpoint: &SharedEndpoint,
    limits: ServerLimits,
    connections: &TaskTracker,
    shutdown: &CancellationToken,
    abort: &CancellationToken,
) {
    let slots = Arc::new(Semaphore::new(limits.connections));
    let mut back_off = SHORTEST_BACK_OFF;
    loop {
        let Ok(slot) = Arc::clone(&slots).acquire_owned().await else {
            return;
        };
        let (stream, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) if is_of_one_connection(&error) => continue,
            Err(error) => {
                tracing::warn!(%error, back_off_ms = back_off.as_millis(), "could not accept a connection");
                tokio::time::sleep(back_off).await;
                back_off = (back_off * 2).min(LONGEST_BACK_OFF);
                continue;
            }
        };
        back_off = SHORTEST_BACK_OFF;
        let connection = Connection {
            endpoint: Arc::clone(endpoint),
            limits,
            shutdown: shutdown.clone(),
            peer,
        };
        spawn(connections, connection, stream, abort, Some(slot));
    }
}

fn spawn(
    connections: &TaskTracker,
    connection: Connection,
    stream: TcpStream,
    abort: &CancellationToken,
    slot: Option<OwnedSemaphorePermit>,
) {
    let abort = abort.clone();
    connections.spawn(async move {
        tokio::select! {
            () = connection.serve(stream) => {}
            () = abort.cancelled() => {}
        }
        drop(slot);
    });
}

/// Whether the error says that this one connection is gone, and nothing of the machine.
fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
    )
}
