//! The feed over Redis: streams for jobs, publish/subscribe for settled documents.
//!
//! One stream per queue, one group. Hints are acknowledged and deleted after the ledger was polled,
//! so a stream only holds hints that nobody has handled. After NOGROUP, a flush, a restart or a
//! lost connection the group is created again.

use std::time::Duration;

use async_trait::async_trait;
use futures::StreamExt;
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::streams::{StreamReadOptions, StreamReadReply};
use redis::{AsyncCommands, Client, RedisError};
use tokio::time::sleep;
use tracing::warn;

use super::{Awaited, Feed, FeedError, Hints, Listener, Queue, SettledStream};
use domain::JobId;

/// The one consumer group of each stream.
const GROUP: &str = "workers";

/// The timeout of a command.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(2);

/// The pause of a listener after an error of Redis.
const REST: Duration = Duration::from_millis(500);

/// The approximate maximum length of a stream; polling finds the jobs of trimmed hints.
const STREAM_LENGTH: usize = 100_000;

/// Hints that are unacknowledged for this long belong to a dead worker.
const ABANDONED_AFTER: Duration = Duration::from_mins(1);

/// A feed over a Redis server.
#[derive(Clone)]
pub struct RedisFeed {
    client: Client,
    commands: ConnectionManager,
    prefix: String,
}

impl std::fmt::Debug for RedisFeed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RedisFeed")
            .field("prefix", &self.prefix)
            .finish_non_exhaustive()
    }
}

impl RedisFeed {
    /// Creates a feed whose keys begin with `prefix`. It connects at first use and reconnects when
    /// the connection is lost. With TLS (`rediss:`), the server's certificate must be signed by one
    /// of the `authorities` (PEM), or by one that the system trusts.
    pub fn new(
        server: &url::Url,
        prefix: &str,
        authorities: Option<Vec<u8>>,
    ) -> Result<Self, FeedError> {
        let client = if server.scheme() == "rediss" {
            within_tls(server, authorities)
        } else {
            Client::open(server.as_str())
        };
        let client = client.map_err(FeedError::of("read its URL"))?;
        let config = ConnectionManagerConfig::new()
            .set_number_of_retries(1)
            .set_connection_timeout(Some(RESPONSE_TIMEOUT))
            .set_response_timeout(Some(RESPONSE_TIMEOUT));
        let commands = ConnectionManager::new_lazy_with_config(client.clone(), config)
            .map_err(FeedError::of("prepare a connection"))?;
        Ok(Self {
            client,
            commands,
            prefix: prefix.to_owned(),
        })
    }

    fn stream(&self, queue: Queue) -> String {
        format!("{}:jobs:{queue}", self.prefix)
    }

    fn channel(&self) -> String {
        format!("{}:settled", self.prefix)
    }
}

#[async_trait]
impl Feed for RedisFeed {
    async fn announce(&self, queue: Queue, jobs: &[JobId]) -> Result<(), FeedError> {
        let stream = self.stream(queue);
        let mut pipeline = redis::pipe();
        for job in jobs {
            pipeline
                .cmd("XADD")
                .arg(&stream)
                .arg("MAXLEN")
                .arg("~")
                .arg(STREAM_LENGTH)
                .arg("*")
                .arg("job")
                .arg(job.to_string())
                .ignore();
        }
        pipeline
            .exec_async(&mut self.commands.clone())
            .await
            .map_err(FeedError::of("announce jobs"))
    }

    async fn listen(&self, queue: Queue, consumer: &str) -> Box<dyn Listener> {
        Box::new(RedisListener {
            client: self.client.clone(),
            commands: self.commands.clone(),
            blocking: None,
            stream: self.stream(queue),
            consumer: consumer.to_owned(),
        })
    }

    async fn announce_settled(&self, settled: &[Awaited]) -> Result<(), FeedError> {
        let words: Vec<_> = settled.iter().map(Awaited::to_string).collect();
        let _receivers: i64 = self
            .commands
            .clone()
            .publish(self.channel(), words.join(" "))
            .await
            .map_err(FeedError::of("announce settled documents"))?;
        Ok(())
    }

    async fn settled(&self) -> SettledStream {
        let (client, channel) = (self.client.clone(), self.channel());
        let subscriptions = futures::stream::unfold((), move |()| {
            let (client, channel) = (client.clone(), channel.clone());
            async move {
                loop {
                    match subscribe(&client, &channel).await {
                        Ok(messages) => return Some((messages, ())),
                        Err(error) => {
                            warn!(
                                error = &error as &dyn std::error::Error,
                                "lost the subscription to settled documents; reconnecting"
                            );
                            sleep(REST).await;
                        }
                    }
                }
            }
        });
        subscriptions.flatten().boxed()
    }

    async fn check(&self) -> Result<(), FeedError> {
        let _pong: String = redis::cmd("PING")
            .query_async(&mut self.commands.clone())
            .await
            .map_err(FeedError::of("reach its server"))?;
        Ok(())
    }
}

/// Creates a TLS client with the program's only cryptography provider.
fn within_tls(server: &url::Url, authorities: Option<Vec<u8>>) -> Result<Client, RedisError> {
    // An error means that one is installed; nothing installs another.
    drop(rustls::crypto::ring::default_provider().install_default());
    let Some(root_cert) = authorities else {
        return Client::open(server.as_str());
    };
    let certificates = redis::TlsCertificates {
        client_tls: None,
        root_cert: Some(root_cert),
    };
    Client::build_with_tls(server.as_str(), certificates)
}

async fn subscribe(client: &Client, channel: &str) -> Result<SettledStream, RedisError> {
    let mut subscription = client.get_async_pubsub().await?;
    subscription.subscribe(channel).await?;
    let messages = subscription.into_on_message();
    Ok(messages
        .map(|message| {
            let text: String = message.get_payload().unwrap_or_default();
            text.split(' ')
                .filter_map(|word| word.parse().ok())
                .collect()
        })
        .boxed())
}

struct RedisListener {
    client: Client,
    commands: ConnectionManager,
    /// Its own connection: a blocking read delays every command behind it.
    blocking: Option<redis::aio::MultiplexedConnection>,
    stream: String,
    consumer: String,
}

impl RedisListener {
    async fn read(&mut self, most: usize, patience: Duration) -> Result<Hints, RedisError> {
        let connection = match &mut self.blocking {
            Some(connection) => connection,
            none => {
                let config = redis::AsyncConnectionConfig::new()
                    .set_connection_timeout(Some(RESPONSE_TIMEOUT))
                    .set_response_timeout(Some(patience + RESPONSE_TIMEOUT));
                let mut connection = self
                    .client
                    .get_multiplexed_async_connection_with_config(&config)
                    .await?;
                make_group(&mut connection, &self.stream).await?;
                adopt_abandoned(&mut connection, &self.stream, &self.consumer).await?;
                none.insert(connection)
            }
        };
        let options = StreamReadOptions::default()
            .group(GROUP, &self.consumer)
            .count(most)
            .block(
                usize::try_from(patience.as_millis())
                    .unwrap_or(usize::MAX)
                    .max(1),
            );
        let reply: Option<StreamReadReply> = connection
            .xread_options(&[&self.stream], &[">"], &options)
            .await?;
        let entries = reply
            .into_iter()
            .flat_map(|reply| reply.keys)
            .flat_map(|key| key.ids);
        let receipts: Vec<_> = entries.map(|entry| entry.id).collect();
        Ok(Hints {
            jobs: receipts.len(),
            receipts,
        })
    }
}

#[async_trait]
impl Listener for RedisListener {
    async fn next(&mut self, most: usize, patience: Duration) -> Hints {
        match self.read(most, patience).await {
            Ok(hints) => hints,
            Err(error) => {
                self.blocking = None;
                if error.code() != Some("NOGROUP") {
                    warn!(
                        error = &error as &dyn std::error::Error,
                        "failed to read hints; polling continues"
                    );
                    sleep(REST.min(patience)).await;
                }
                Hints::default()
            }
        }
    }

    async fn acknowledge(&mut self, hints: Hints) {
        if hints.receipts.is_empty() {
            return;
        }
        let mut pipeline = redis::pipe();
        pipeline
            .cmd("XACK")
            .arg(&self.stream)
            .arg(GROUP)
            .arg(&hints.receipts)
            .ignore();
        pipeline
            .cmd("XDEL")
            .arg(&self.stream)
            .arg(&hints.receipts)
            .ignore();
        if let Err(error) = pipeline.exec_async(&mut self.commands).await {
            // They are delivered again to a consumer that adopts abandoned hints, which then finds
            // nothing due.
            warn!(
                error = &error as &dyn std::error::Error,
                "failed to acknowledge hints"
            );
        }
    }
}

async fn make_group(connection: &mut impl AsyncCommands, stream: &str) -> Result<(), RedisError> {
    let made: Result<String, RedisError> =
        connection.xgroup_create_mkstream(stream, GROUP, "0").await;
    match made {
        Err(error) if error.code() != Some("BUSYGROUP") => Err(error),
        _ => Ok(()),
    }
}

/// Drops hints that dead workers have read, and removes dead consumers: polling finds their jobs in
/// the ledger.
async fn adopt_abandoned(
    connection: &mut impl AsyncCommands,
    stream: &str,
    consumer: &str,
) -> Result<(), RedisError> {
    let idle = usize::try_from(ABANDONED_AFTER.as_millis()).unwrap_or(usize::MAX);
    let options = redis::streams::StreamAutoClaimOptions::default()
        .count(1000)
        .with_justid();
    let reply: redis::streams::StreamAutoClaimReply = connection
        .xautoclaim_options(stream, GROUP, consumer, idle, "0-0", options)
        .await?;
    let receipts: Vec<_> = reply.claimed.into_iter().map(|entry| entry.id).collect();
    if !receipts.is_empty() {
        let _acknowledged: i64 = connection.xack(stream, GROUP, &receipts).await?;
        let _deleted: i64 = connection.xdel(stream, &receipts).await?;
    }
    let consumers: redis::streams::StreamInfoConsumersReply =
        connection.xinfo_consumers(stream, GROUP).await?;
    for other in consumers.consumers {
        if other.name != consumer && other.pending == 0 && other.idle > idle {
            let _left: i64 = connection
                .xgroup_delconsumer(stream, GROUP, &other.name)
                .await?;
        }
    }
    Ok(())
}
