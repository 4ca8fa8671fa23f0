//! The feed over Redis: streams for jobs, publish/subscribe for settled documents.
//!
//! One stream per queue. Commands of one call touch one key, so that streams may be on different
//! nodes of a cluster.

use std::time::Duration;

use async_trait::async_trait;
use futures::StreamExt;
use redis::RedisError;
use tokio::time::sleep;
use tracing::warn;

use super::commands::Commands;
use super::listener::{REST, RedisListener};
use super::servers::Servers;
use super::url::RedisUrl;
use crate::{Awaited, Feed, FeedError, Listener, Queue, SettledStream};
use domain::JobId;

/// The approximate maximum length of a stream; polling finds the jobs of trimmed hints.
const STREAM_LENGTH: usize = 100_000;

/// How long a subscription is kept. Nothing else tells that its server has vanished, isn't the master
/// any more or has left its cluster.
const RESUBSCRIBE_AFTER: Duration = Duration::from_mins(1);

/// A feed over Redis: a server, the master that Sentinels name, or a cluster.
#[derive(Clone)]
pub struct RedisFeed {
    servers: Servers,
    commands: Commands,
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
    /// Creates a feed. It connects at first use and reconnects when the connection is lost. Within
    /// TLS, the certificates of the servers must be signed by one of the `authorities` (PEM), or by
    /// one that the system trusts.
    pub fn new(url: &RedisUrl, authorities: Option<Vec<u8>>) -> Result<Self, FeedError> {
        let servers = Servers::new(url, authorities).map_err(FeedError::of("read its URL"))?;
        Ok(Self {
            commands: Commands::new(servers.clone()),
            servers,
            prefix: url.prefix().to_owned(),
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
        self.commands
            .run(pipeline)
            .await
            .map_err(FeedError::of("announce jobs"))
    }

    async fn listen(&self, queue: Queue, consumer: &str) -> Box<dyn Listener> {
        let (servers, stream) = (self.servers.clone(), self.stream(queue));
        Box::new(RedisListener::new(servers, stream, consumer))
    }

    async fn announce_settled(&self, settled: &[Awaited]) -> Result<(), FeedError> {
        let words: Vec<_> = settled.iter().map(Awaited::to_string).collect();
        let mut pipeline = redis::pipe();
        pipeline
            .cmd("PUBLISH")
            .arg(self.channel())
            .arg(words.join(" "))
            .ignore();
        self.commands
            .run(pipeline)
            .await
            .map_err(FeedError::of("announce settled documents"))
    }

    async fn settled(&self) -> SettledStream {
        let (servers, channel) = (self.servers.clone(), self.channel());
        let subscriptions = futures::stream::unfold((), move |()| {
            let (servers, channel) = (servers.clone(), channel.clone());
            async move {
                loop {
                    match subscribe(&servers, &channel).await {
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

    /// Asks for each stream: those of a cluster are on several nodes.
    async fn check(&self) -> Result<(), FeedError> {
        for queue in Queue::ALL {
            let mut pipeline = redis::pipe();
            pipeline.cmd("XLEN").arg(self.stream(queue)).ignore();
            self.commands
                .run(pipeline)
                .await
                .map_err(FeedError::of("reach its server"))?;
        }
        Ok(())
    }
}

async fn subscribe(servers: &Servers, channel: &str) -> Result<SettledStream, RedisError> {
    let messages = servers.subscribe(channel).await?;
    Ok(messages
        .map(|message| {
            let text: String = message.get_payload().unwrap_or_default();
            text.split(' ')
                .filter_map(|word| word.parse().ok())
                .collect()
        })
        .take_until(sleep(RESUBSCRIBE_AFTER))
        .boxed())
}
