//! Reads the hints of one queue as a consumer of its stream.
//!
//! One group for each stream. Hints are acknowledged and deleted after the ledger was polled, so a
//! stream only holds hints that nobody has handled. After NOGROUP, a flush, a restart or a lost
//! connection the group is created again.

use std::time::Duration;

use async_trait::async_trait;
use redis::streams::{StreamReadOptions, StreamReadReply};
use redis::{AsyncCommands, RedisError};
use tokio::time::sleep;
use tracing::warn;

use super::commands::RESPONSE_TIMEOUT;
use super::connection::Connection;
use super::servers::Servers;
use crate::{Hints, Listener};

/// The one consumer group of each stream.
const GROUP: &str = "workers";

/// The pause of a listener after an error of Redis.
pub(super) const REST: Duration = Duration::from_millis(500);

/// Hints that are unacknowledged for this long belong to a dead worker.
const ABANDONED_AFTER: Duration = Duration::from_mins(1);

pub(super) struct RedisListener {
    servers: Servers,
    /// Its own: a blocking read delays every command behind it.
    connection: Option<Connection>,
    stream: String,
    consumer: String,
}

impl RedisListener {
    pub(super) fn new(servers: Servers, stream: String, consumer: &str) -> Self {
        Self {
            servers,
            connection: None,
            stream,
            consumer: consumer.to_owned(),
        }
    }

    async fn read(&mut self, most: usize, patience: Duration) -> Result<Hints, RedisError> {
        let connection = match &mut self.connection {
            Some(connection) => connection,
            none => {
                let mut connection = self.servers.connect(patience + RESPONSE_TIMEOUT).await?;
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
                self.connection = None;
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
        let Some(connection) = &mut self.connection else {
            return;
        };
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
        if let Err(error) = pipeline.exec_async(connection).await {
            // They are delivered again to a consumer that adopts abandoned hints, which then finds
            // nothing due.
            self.connection = None;
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
