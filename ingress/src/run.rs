//! Runs the API and the operators' port of a process, from binding to draining.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use domain::InvalidJson;
use tokio::net::{TcpListener, TcpSocket};
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use crate::api::{Parts, api, operations};
use crate::auth::{Authenticator, Guard, JwtSetupError};
use crate::http::{AllowedOrigins, Door, ServerLimits, serve};
use crate::operators::{Health, OperationsPort, end_minutes};
use crate::routes::MetricsRoutes;
use crate::service::Service;
use crate::uploads::Intake;
use crate::waiting::{EventWatch, JobNotifier, Waiters};

/// Addresses to bind, or bound; port 0 picks a free one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Addresses {
    /// The API.
    pub api: SocketAddr,
    /// The operators' port.
    pub ops: SocketAddr,
}

/// An error at start.
#[derive(Debug, thiserror::Error)]
pub enum IngressError {
    /// An address can't be bound.
    #[error("{setting}: could not listen at {address}: {source}")]
    Bind {
        /// The setting to change.
        setting: &'static str,
        /// The address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The thread of the operators' port could not be started.
    #[error("the operators' port could not be started")]
    Operations(#[source] io::Error),
    /// The OpenAPI document of the routes is not valid JSON.
    #[error("the OpenAPI document could not be built")]
    OpenApi(#[from] InvalidJson),
    /// The JWT settings are unusable.
    #[error(transparent)]
    Jwt(#[from] JwtSetupError),
}

/// Serves the API and the operators' port until `shutdown`, then drains. Calls `listening` with the
/// addresses once both are bound.
pub async fn run(
    service: Service,
    addresses: Addresses,
    listening: impl FnOnce(Addresses),
    shutdown: CancellationToken,
) -> Result<(), IngressError> {
    let (api_listener, api_address) = bind("DOSSIER_LISTEN", addresses.api)?;
    let (ops_listener, ops_address) = bind("DOSSIER_OPS_LISTEN", addresses.ops)?;
    let parts = parts(service.clone()).await?;
    let guard = Arc::clone(&parts.guard);
    let (intake, waiters, health) = (
        parts.intake.clone(),
        parts.waiters.clone(),
        parts.health.clone(),
    );
    let events = parts.events.clone();
    let api_endpoint = api(&parts)?;
    let ops = MetricsRoutes {
        service: service.clone(),
        waiters: waiters.clone(),
        runtime: Handle::current(),
    };
    let ops_endpoint = operations(health, ops)?;
    listening(Addresses {
        api: api_address,
        ops: ops_address,
    });

    let in_flight = intake.in_flight().clone();
    // Health is served until the API has drained, when it matters most.
    let drained = CancellationToken::new();
    let api_served = async {
        let door = Door {
            capacity: service.capacity.clone(),
            limits: service.server,
            origins: AllowedOrigins::new(&service.cors_origins),
        };
        serve(api_listener, api_endpoint, door, shutdown.clone()).await;
        intake.close().await;
        drained.cancel();
    };
    let ops_served = OperationsPort {
        listener: ops_listener,
        endpoint: ops_endpoint,
        limits: service.server.of_operations(),
    };
    let ops_served = ops_served
        .serve(drained.clone())
        .map_err(IngressError::Operations)?;
    let released = async {
        shutdown.cancelled().await;
        waiters.close();
        events.close();
    };
    tokio::select! {
        _ = async { tokio::join!(api_served, ops_served, released) } => {}
        () = waiters.run(&service.db, service.feed.as_ref()) => {}
        () = events.run(&service.db) => {}
        // Boxed, since the statements that they build are large.
        () = Box::pin(guard.revocations.run(&service.db, &*service.clock)) => {}
        () = Box::pin(guard.key_uses.run(&service.db)) => {}
        () = Box::pin(guard.trail.run(&service.db)) => {}
        () = Box::pin(in_flight.keep()) => {}
        () = Box::pin(end_minutes(&service)) => {}
        () = service.pressure.watch(&service.db, &*service.clock) => {}
        () = service.db.watch() => {}
    }
    guard.trail.flush(&service.db).await;
    guard.key_uses.flush(&service.db).await;
    Ok(())
}

/// Serves only the operators' port, for a process without an API, until `shutdown`.
pub async fn run_operations(
    service: Service,
    address: SocketAddr,
    shutdown: CancellationToken,
) -> Result<(), IngressError> {
    let (listener, _) = bind("DOSSIER_OPS_LISTEN", address)?;
    let limits = service.server;
    let meters = MetricsRoutes {
        service: service.clone(),
        waiters: Waiters::default(),
        runtime: Handle::current(),
    };
    let port = OperationsPort {
        listener,
        endpoint: operations(Health::new(service), meters)?,
        limits: limits.of_operations(),
    };
    port.serve(shutdown)
        .map_err(IngressError::Operations)?
        .await;
    Ok(())
}

async fn parts(service: Service) -> Result<Parts, IngressError> {
    let authenticator =
        Authenticator::new(service.db.clone(), Arc::clone(&service.clock), &service.jwt).await?;
    let notifier = JobNotifier::start(Arc::clone(&service.feed), service.meters.clone());
    // Where the schema can't be read, it may be migrated right after.
    let handover = ledger::handover_left(&service.db, service.clock.now()).await;
    let handover = handover.inspect_err(|error| {
        let error = error as &dyn std::error::Error;
        tracing::debug!(error, "could not read when the schema was migrated");
    });
    let inline_from = Instant::now() + handover.unwrap_or(ledger::HANDOVER);
    Ok(Parts {
        intake: Intake::open(&service, notifier.clone(), inline_from),
        notifier,
        guard: Guard::new(&service, authenticator),
        waiters: Waiters::default(),
        events: EventWatch::default(),
        health: Health::new(service.clone()),
        service,
    })
}

fn bind(
    setting: &'static str,
    address: SocketAddr,
) -> Result<(TcpListener, SocketAddr), IngressError> {
    let failed = |source| IngressError::Bind {
        setting,
        address,
        source,
    };
    let listener = listen(address).map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    Ok((listener, bound))
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()
    } else {
        TcpSocket::new_v6()
    }?;
    // Otherwise a restart fails while old connections are in TIME_WAIT.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(ServerLimits::QUEUE)
}
