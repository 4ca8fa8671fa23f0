//! Private servers of one service, with a gate in front of each, for tests that break the servers
//! or the connections to them.

use url::Url;

use super::Backend;
use crate::servers::{Gate, Postgres, Redis};

/// The servers and gates that a test may break.
#[derive(Debug)]
pub struct Breakable {
    /// The database server.
    pub postgres: Postgres,
    /// The gate to it.
    pub database: Gate,
    /// The gate to Redis.
    pub queue: Gate,
    /// The gate to the storage server, which is shared with other tests.
    pub storage: Gate,
}

/// A database server without clients.
pub(super) struct Started(Postgres);

impl Breakable {
    pub(super) async fn start() -> Started {
        Started(Postgres::private().await)
    }

    pub(super) async fn database_url(&self) -> String {
        with_port(&self.postgres.create_database().await, &self.database)
    }

    pub(super) fn queue_url(&self, url: &str) -> String {
        with_port(url, &self.queue)
    }

    pub(super) async fn storage_url(&self, backend: Backend) -> String {
        let address = |port| format!("127.0.0.1:{port}");
        let server = address(backend.port().await);
        let url = backend.fresh_storage_url().await;
        url.replace(&server, &address(self.storage.port()))
    }
}

impl Started {
    pub(super) async fn with_gates_before(self, redis: &Redis, storage: u16) -> Breakable {
        let Self(postgres) = self;
        Breakable {
            database: Gate::before(postgres.port()).await,
            queue: Gate::before(redis.port()).await,
            storage: Gate::before_http(storage).await,
            postgres,
        }
    }
}

fn with_port(url: &str, gate: &Gate) -> String {
    let mut url: Url = url.parse().expect("a server's URL is one");
    url.set_port(Some(gate.port()))
        .expect("a server's URL has a host");
    url.into()
}
