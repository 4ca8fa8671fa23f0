//! A Redis cluster of three masters, each with a third of the slots, and maybe a replica of the first.

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
    /// Becomes a master when the first node is gone.
    replica: Option<Node>,
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

    /// Starts it with a replica of the first node, and returns once that can become a master.
    pub async fn with_replica() -> Self {
        let mut cluster = Self::start().await;
        granted(cluster.add_replica().await);
        cluster
    }

    /// A URL for one service alone, of which the first node holds the key that the prefix and
    /// `ending` make. It names the other nodes.
    pub async fn fresh_url_on_first(&self, ending: &str) -> String {
        let [first, second, third] = [0, 1, 2].map(|number| &self.nodes[number]);
        loop {
            let prefix = unique_number();
            let asked = first
                .ask(&format!("CLUSTER KEYSLOT t{prefix}{ending}"))
                .await;
            let slot = asked.map_err(|error| first.keeper.failed(format!("no slot: {error}")));
            let slot = granted(slot);
            if slot.parse().is_ok_and(|slot: u16| slot <= SLOTS[0].1) {
                let (second, third) = (second.port, third.port);
                return format!(
                    "redis+cluster://127.0.0.1:{second},127.0.0.1:{third}?prefix=t{prefix}"
                );
            }
        }
    }

    /// Kills the first node.
    pub async fn kill_first(&self) {
        granted(self.nodes[0].keeper.finish(Signal::Kill).await);
    }

    /// Waits until the replica of the first node is a master for the others.
    pub async fn has_failed_over(&self) {
        let replica = self.replica.as_ref().expect("it has a replica");
        let address = format!("127.0.0.1:{}@", replica.port);
        for node in &self.nodes[1..] {
            let known = wait_for_answer(&node.keeper, async || {
                let (nodes, info) = (
                    node.ask("CLUSTER NODES").await?,
                    node.ask("CLUSTER INFO").await?,
                );
                let mut lines = nodes.lines();
                let is_master =
                    lines.any(|line| line.contains(&address) && line.contains("master"));
                is(is_master && info.contains("cluster_state:ok\r"), &nodes)
            });
            granted(known.await);
        }
    }

    async fn add_replica(&mut self) -> Result<(), ServerError> {
        let replica = Node::start().await?;
        let first = &self.nodes[0];
        let (port, bus) = (replica.port, replica.bus);
        first
            .does(&format!("CLUSTER MEET 127.0.0.1 {port} {bus}"))
            .await?;
        for node in self.nodes.iter().chain([&replica]) {
            wait_for_answer(&node.keeper, async || {
                let info = node.ask("CLUSTER INFO").await?;
                is(info.contains("cluster_known_nodes:4\r"), &info)
            })
            .await?;
        }
        let id = first.ask("CLUSTER MYID").await;
        let id = id.map_err(|error| first.keeper.failed(format!("no id: {error}")))?;
        replica.does(&format!("CLUSTER REPLICATE {id}")).await?;
        wait_for_answer(&replica.keeper, async || {
            let info = replica.ask("INFO replication").await?;
            is(info.contains("master_link_status:up"), &info)
        })
        .await?;
        // A failover begins soon, and however old the replica's data are.
        for setting in ["replica-validity-factor 0", "node-timeout 5000"] {
            replica
                .does(&format!("CONFIG SET cluster-{setting}"))
                .await?;
        }
        let address = format!("127.0.0.1:{port}@");
        for node in &self.nodes {
            node.does("CONFIG SET cluster-node-timeout 5000").await?;
            wait_for_answer(&node.keeper, async || {
                let nodes = node.ask("CLUSTER NODES").await?;
                let mut lines = nodes.lines();
                let is_known = lines.any(|line| line.contains(&address) && line.contains("slave"));
                is(is_known, &nodes)
            })
            .await?;
        }
        self.replica = Some(replica);
        Ok(())
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
                is(wanted.iter().all(|line| info.contains(line)), &info)
            })
            .await?;
        }
        Ok(Self {
            nodes,
            replica: None,
        })
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

fn is(true_now: bool, otherwise: &str) -> Result<(), RedisError> {
    if true_now {
        Ok(())
    } else {
        Err(std::io::Error::other(otherwise.to_owned()).into())
    }
}
