//! A Redis cluster of three masters, each with a third of the slots.

use ::redis::{Client, Cmd, RedisError};

use super::keeper::{Keeper, Signal};
use super::process::{
    ServerError, find_program, free_port, granted, unique_number, wait_for_answer,
};
use super::redis::plain_server;

/// The slots of each node.
const SLOTS: [(u16, u16); 3] = [(0, 5460), (5461, 10922), (10923, 16383)];

/// A cluster on ports of 127.0.0.1.
#[derive(Debug)]
pub struct RedisCluster {
    nodes: Vec<Node>,
}

#[derive(Debug)]
struct Node {
    keeper: Keeper,
    port: u16,
    /// The port for other nodes.
    bus: u16,
}

impl RedisCluster {
    /// Starts it, and returns once each node knows that all slots are served.
    pub async fn start() -> Self {
        granted(Self::begin().await)
    }

    /// A URL for one service alone. It names one of the nodes, and one that isn't there.
    #[must_use]
    pub fn fresh_url(&self) -> String {
        let port = self.nodes.first().expect("there are three").port;
        let prefix = unique_number();
        format!("redis+cluster://127.0.0.1:1,127.0.0.1:{port}?prefix=t{prefix}")
    }

    async fn begin() -> Result<Self, ServerError> {
        let mut nodes = vec![];
        for (epoch, (first, last)) in (1..).zip(SLOTS) {
            let node = Node::start().await?;
            node.does(&format!("CLUSTER ADDSLOTSRANGE {first} {last}"))
                .await?;
            node.does(&format!("CLUSTER SET-CONFIG-EPOCH {epoch}"))
                .await?;
            nodes.push(node);
        }
        for other in &nodes[1..] {
            let Node { port, bus, .. } = other;
            let meet = format!("CLUSTER MEET 127.0.0.1 {port} {bus}");
            nodes[0].does(&meet).await?;
        }
        for node in &nodes {
            wait_for_answer(&node.keeper, async || {
                let info = node.ask("CLUSTER INFO").await?;
                let wanted = [
                    "cluster_state:ok\r",
                    "cluster_slots_ok:16384\r",
                    "cluster_known_nodes:3\r",
                ];
                if wanted.iter().all(|line| info.contains(line)) {
                    Ok(())
                } else {
                    Err(RedisError::from(std::io::Error::other(info)))
                }
            })
            .await?;
        }
        Ok(Self { nodes })
    }
}

impl Node {
    async fn start() -> Result<Self, ServerError> {
        let redis = find_program("redis-server", &[])?;
        let keeper = Keeper::new(Signal::Kill)?;
        let (port, bus) = (free_port(), free_port());
        let line = plain_server(&redis, port)
            .words(["--cluster-enabled", "yes"])
            .words(["--cluster-port", &bus.to_string()])
            .words(["--cluster-announce-ip", "127.0.0.1"])
            .words(["--cluster-config-file", "nodes.conf"]);
        keeper.start(&line).await?;
        let node = Self { keeper, port, bus };
        wait_for_answer(&node.keeper, async || node.ask("PING").await.map(drop)).await?;
        Ok(node)
    }

    async fn does(&self, command: &str) -> Result<(), ServerError> {
        let done = self.ask(command).await;
        done.map(drop)
            .map_err(|error| self.keeper.failed(format!("{command}: {error}")))
    }

    async fn ask(&self, command: &str) -> Result<String, RedisError> {
        let client = Client::open(format!("redis://127.0.0.1:{}", self.port))?;
        let mut connection = client.get_multiplexed_async_connection().await?;
        let mut words = Cmd::new();
        for word in command.split(' ') {
            words.arg(word);
        }
        words.query_async(&mut connection).await
    }
}
