//! Runs the three roles of a process, from connecting resources to shutdown.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use ingress::{Addresses, Capacity, CapacityLimits, Pressure, SelfTest, ServerLimits, Service};
use ledger::{ReceiptSigner, SecretSealer};
use outbound::{Client, Policy};
use settings::{List, Network, Resolved, SecretsKey};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};
use worker::WorkerRole;

use super::migrate;
use crate::data_folder;
use crate::descriptors;
use crate::greeting;
use crate::resources::{Resources, verify_ownership};
use crate::shutdown;
use crate::started::{self, Shown};

/// The time limit for closing database connections. One may wait for a lock in an aborted
/// transaction.
const CLOSING: Duration = Duration::from_secs(5);

/// Runs everything in one process. The workers run until the API has drained, so that the last
/// uploads are still processed if there is time.
pub async fn serve(resolved: Resolved, shown: &Shown) -> anyhow::Result<()> {
    let shutdown = shutdown::on_signal()?;
    let held = data_folder::hold(&resolved)?;
    let resources = Resources::connect(&resolved).await?;
    let key_file = migrate::up(&resolved, &resources.db).await?;
    if !resolved.database_url.is_shared() {
        // Holding the lock proves that the previous process is dead.
        ledger::release_predecessor(&resources.db, resources.clock.now()).await?;
    }
    verify_ownership(&resources.ownership).await?;
    started::note(&resources.db, "serve", shown).await;
    let drained = CancellationToken::new();
    let greet = |addresses: Addresses| greeting::serve(&addresses, key_file.as_deref());
    let api = async {
        let ended = ingress::run(
            api_service(&resolved, &resources, &shutdown),
            addresses(&resolved),
            greet,
            shutdown.clone(),
        )
        .await;
        drained.cancel();
        ended.map_err(anyhow::Error::from)
    };
    let work = async {
        worker::run(worker_role(&resolved, &resources), drained.clone())
            .await
            .map_err(anyhow::Error::from)
    };
    tokio::try_join!(api, work)?;
    let closed = close(resources).await;
    drop(held);
    closed
}

/// Runs the API only.
pub async fn ingress(resolved: Resolved, shown: &Shown) -> anyhow::Result<()> {
    let shutdown = shutdown::on_signal()?;
    let resources = Resources::connect(&resolved).await?;
    verify_ownership(&resources.ownership).await?;
    started::note(&resources.db, "ingress", shown).await;
    let tell =
        |addresses: Addresses| info!(api = %addresses.api, ops = %addresses.ops, "ingress listens");
    ingress::run(
        api_service(&resolved, &resources, &shutdown),
        addresses(&resolved),
        tell,
        shutdown.clone(),
    )
    .await?;
    close(resources).await
}

/// Runs jobs only, and serves health checks on the operators' port until the last one is done.
pub async fn worker(resolved: Resolved, shown: &Shown) -> anyhow::Result<()> {
    let shutdown = shutdown::on_signal()?;
    let resources = Resources::connect(&resolved).await?;
    verify_ownership(&resources.ownership).await?;
    started::note(&resources.db, "worker", shown).await;
    let ended = CancellationToken::new();
    let work = async {
        let worked = worker::run(worker_role(&resolved, &resources), shutdown.clone()).await;
        ended.cancel();
        worked.map_err(anyhow::Error::from)
    };
    let health = async {
        let service = api_service(&resolved, &resources, &shutdown);
        ingress::run_operations(service, resolved.ops_listen, ended.clone())
            .await
            .map_err(anyhow::Error::from)
    };
    tokio::try_join!(work, health)?;
    close(resources).await
}

fn api_service(
    resolved: &Resolved,
    resources: &Resources,
    stopping: &CancellationToken,
) -> Service {
    let settings = &resolved.settings;
    let wanted = settings.max_connections.get();
    let connections = ServerLimits::connections_within(
        wanted,
        descriptors::limit(),
        settings.database_connections,
    );
    // The files that a request holds open beside its connection are allowed for by the limit.
    let requests = u32::try_from(connections).unwrap_or(u32::MAX);
    let readers = ServerLimits::readers_within(wanted, connections);
    let requests = CapacityLimits {
        readers: u32::try_from(readers).unwrap_or(u32::MAX),
        ..CapacityLimits::of_requests(requests, settings.max_requests_per_address)
    };
    Service {
        db: resources.db.clone().for_requests(),
        places: resources.places.clone(),
        ownership: resources.ownership.clone(),
        feed: Arc::clone(&resources.feed),
        clock: Arc::clone(&resources.clock),
        limits: Arc::clone(&resources.limits),
        retention: resolved.settings.cleanup.retention(),
        jwt: resolved.settings.jwt.clone(),
        oidc: resolved.oidc.clone(),
        trusted_proxies: List::entries(&resolved.settings.trusted_proxies).into(),
        user_rate: resolved.settings.rates.rate_limit.0,
        refusal_rate: resolved.settings.rates.auth_rate_limit.0,
        self_test: SelfTest::new(|| identify::self_test().is_ok()),
        cors_origins: List::entries(&resolved.settings.cors_origins).into(),
        redirects: resolved.settings.redirects,
        client: Client::new(outbound_policy(resolved)),
        sealer: sealer(resolved),
        signer: signer(resolved),
        meters: resources.meters.clone(),
        pressure: Pressure::bounded_by(resolved.settings.max_queue_age),
        capacity: Capacity::new(requests, resources.meters.clone()),
        server: ServerLimits {
            connections,
            grace: resolved.settings.grace,
            upload: resolved.settings.cleanup.retention().longest_upload(),
            ..ServerLimits::default()
        },
        stopping: stopping.clone(),
    }
}

fn worker_role(resolved: &Resolved, resources: &Resources) -> WorkerRole {
    if !identify::has_mime_database() {
        warn!(
            "no shared MIME database found (package shared-mime-info); rare types may stay unknown"
        );
    }
    WorkerRole {
        db: resources.db.clone(),
        places: resources.places.clone(),
        ownership: resources.ownership.clone(),
        feed: Arc::clone(&resources.feed),
        clock: Arc::clone(&resources.clock),
        limits: Arc::clone(&resources.limits),
        retention: resolved.settings.cleanup.retention(),
        meters: resources.meters.clone(),
        client: Client::new(outbound_policy(resolved)),
        sealer: sealer(resolved),
        queues: List::entries(&resolved.settings.queues),
        concurrency: resolved.settings.concurrency.get(),
        lease: resolved.settings.lease,
        grace: resolved.settings.grace,
    }
}

/// Where webhooks may lead.
fn outbound_policy(resolved: &Resolved) -> Policy {
    let settings = &resolved.settings.webhooks;
    let networks = List::entries(&settings.webhook_allow_networks);
    Policy {
        allows_http: settings.webhook_allow_http,
        networks: networks.iter().map(Network::net).collect(),
    }
}

fn sealer(resolved: &Resolved) -> SecretSealer {
    let key = resolved.settings.webhooks.secrets_key.as_ref();
    SecretSealer::new(key.map(SecretsKey::as_bytes))
}

fn signer(resolved: &Resolved) -> ReceiptSigner {
    let own = resolved.settings.receipts.signing_key.clone();
    let secrets_key = resolved.settings.webhooks.secrets_key.as_ref();
    ReceiptSigner::new(own, secrets_key.map(SecretsKey::as_bytes))
}

fn addresses(resolved: &Resolved) -> Addresses {
    Addresses {
        api: resolved.settings.listen,
        ops: resolved.ops_listen,
    }
}

async fn close(resources: Resources) -> anyhow::Result<()> {
    let closing = timeout(CLOSING, resources.db.close());
    if let Ok(closed) = closing.await {
        return closed.context("failed to close the database");
    }
    warn!("timed out closing database connections; they end with the process");
    Ok(())
}
