//! Connects to Redis: to one server, to the master that Sentinels name, or to a cluster.
//!
//! Sentinels are asked for each connection, so a connection that is made anew after a failover leads
//! to the new master.

use std::io;
use std::time::Duration;

use redis::aio::PubSubStream;
use redis::cluster::{ClusterClient, ClusterClientBuilder};
use redis::sentinel::{SentinelClient, SentinelClientBuilder, SentinelServerType};
use redis::{
    AsyncConnectionConfig, Client, ConnectionAddr, ConnectionInfo, RedisError, TlsCertificates,
    TlsMode,
};
use tokio::time::timeout;

use super::connection::Connection;
use super::url::{RedisUrl, Sentinels, Topology};

/// The timeout of a connection to one server.
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(2);

/// The timeout of finding the master or the nodes, and connecting to them.
const FINDING_TIMEOUT: Duration = Duration::from_secs(6);

/// How often a command to a cluster is sent again, for instance to the node that its slot has moved
/// to, and the pause before it in milliseconds.
const CLUSTER_RETRIES: (u32, u64) = (3, 50);

/// The servers of a URL.
#[derive(Clone)]
pub(super) struct Servers {
    /// As in the URL; never empty. Of Sentinels they have the login and database of their master.
    nodes: Vec<ConnectionInfo>,
    topology: Topology,
    certificates: Option<TlsCertificates>,
}

impl Servers {
    /// Reads the URL; connects to nothing yet.
    pub(super) fn new(url: &RedisUrl, authorities: Option<Vec<u8>>) -> Result<Self, RedisError> {
        if url.is_within_tls() {
            // The program's only cryptography provider. An error means that it is installed.
            drop(rustls::crypto::ring::default_provider().install_default());
        }
        let certificates = authorities.map(|authorities| TlsCertificates {
            client_tls: None,
            root_cert: Some(authorities),
        });
        let address = |server: &::url::Url| {
            let client = match certificates.clone() {
                Some(certificates) => Client::build_with_tls(server.as_str(), certificates),
                None => Client::open(server.as_str()),
            };
            client.map(|client| client.get_connection_info().clone())
        };
        let servers = Self {
            nodes: url
                .servers()
                .iter()
                .map(address)
                .collect::<Result<_, _>>()?,
            topology: url.topology().clone(),
            certificates,
        };
        // What can't be built is told at the start.
        match &servers.topology {
            Topology::One => {}
            Topology::Sentinels(sentinels) => drop(servers.sentinels(sentinels)?),
            Topology::Cluster => drop(servers.cluster(CONNECTION_TIMEOUT)?),
        }
        Ok(servers)
    }

    /// Connects for commands, each of which is answered within `patience` or fails.
    pub(super) async fn connect(&self, patience: Duration) -> Result<Connection, RedisError> {
        within(FINDING_TIMEOUT, async {
            if let Topology::Cluster = self.topology {
                let cluster = self.cluster(patience)?;
                return cluster
                    .get_async_connection()
                    .await
                    .map(Connection::Cluster);
            }
            let config = AsyncConnectionConfig::new()
                .set_connection_timeout(Some(CONNECTION_TIMEOUT))
                .set_response_timeout(Some(patience));
            let server = self.server().await?;
            let connection = server.get_multiplexed_async_connection_with_config(&config);
            connection.await.map(Connection::Server)
        })
        .await
    }

    /// Subscribes to what is published to `channel`. Any node of a cluster hears of all of it.
    pub(super) async fn subscribe(&self, channel: &str) -> Result<PubSubStream, RedisError> {
        let mut outcome = Err(timed_out());
        let nodes: Vec<Option<&ConnectionInfo>> = match self.topology {
            Topology::Cluster => self.nodes.iter().map(Some).collect(),
            Topology::One | Topology::Sentinels(_) => vec![None],
        };
        for node in nodes {
            outcome = within(FINDING_TIMEOUT, async {
                let server = match node {
                    Some(node) => Client::open(node.clone())?,
                    None => self.server().await?,
                };
                let mut subscription = server.get_async_pubsub().await?;
                subscription.subscribe(channel).await?;
                Ok(subscription.into_on_message())
            })
            .await;
            if outcome.is_ok() {
                break;
            }
        }
        outcome
    }

    /// The server, or the master of the moment.
    async fn server(&self) -> Result<Client, RedisError> {
        if let Topology::Sentinels(sentinels) = &self.topology {
            return self.sentinels(sentinels)?.async_get_client().await;
        }
        Client::open(self.first().clone())
    }

    fn first(&self) -> &ConnectionInfo {
        self.nodes.first().expect("a URL names a server")
    }

    fn sentinels(&self, sentinels: &Sentinels) -> Result<SentinelClient, RedisError> {
        let addresses = self.nodes.iter().map(|node| node.addr().clone());
        let kind = SentinelServerType::Master;
        let mut builder = SentinelClientBuilder::new(addresses, &sentinels.master, kind)?;
        let login = self.first().redis_settings();
        builder = builder.set_client_to_redis_db(login.db());
        if let Some(user) = login.username() {
            builder = builder.set_client_to_redis_username(user);
        }
        if let Some(password) = login.password() {
            builder = builder.set_client_to_redis_password(password);
        }
        if let Some(user) = &sentinels.username {
            builder = builder.set_client_to_sentinel_username(user);
        }
        if let Some(password) = &sentinels.password {
            builder = builder.set_client_to_sentinel_password(password);
        }
        if let ConnectionAddr::TcpTls { .. } = self.first().addr() {
            builder = builder.set_client_to_redis_tls_mode(TlsMode::Secure);
            if let Some(certificates) = self.certificates.clone() {
                builder = builder.set_client_to_redis_certificates(certificates);
            }
        }
        builder.build()
    }

    fn cluster(&self, patience: Duration) -> Result<ClusterClient, RedisError> {
        let (retries, pause) = CLUSTER_RETRIES;
        let mut builder = ClusterClientBuilder::new(self.nodes.clone())
            .connection_timeout(CONNECTION_TIMEOUT)
            .response_timeout(patience)
            .retries(retries)
            .min_retry_wait(pause);
        if let Some(certificates) = self.certificates.clone() {
            builder = builder.certs(certificates);
        }
        builder.build()
    }
}

/// Runs `connecting` for at most `patience`.
async fn within<T>(
    patience: Duration,
    connecting: impl Future<Output = Result<T, RedisError>>,
) -> Result<T, RedisError> {
    timeout(patience, connecting)
        .await
        .unwrap_or_else(|_| Err(timed_out()))
}

fn timed_out() -> RedisError {
    io::Error::from(io::ErrorKind::TimedOut).into()
}
