//! Redis with a failover: a master, a replica of it, and a Sentinel that makes the replica the master
//! when the master is gone. Servers and Sentinel require different passwords.

use std::collections::HashMap;

use ::redis::{Client, FromRedisValue, RedisError};

use super::keeper::{CommandLine, Keeper, Signal};
use super::process::{
    ServerError, find_program, free_port, granted, unique_number, wait_for_answer,
};
use super::redis::plain_server;

/// The Sentinel's name of the master.
const MASTER: &str = "main";

/// Passwords, with all that has to be written otherwise in a URL.
const PASSWORD: Password = Password("p@ss:w/rd%?", "p%40ss%3Aw%2Frd%25%3F");
const SENTINEL_PASSWORD: Password = Password("s@nt&nel", "s%40nt%26nel");

/// A password, and how it is written in a URL.
#[derive(Clone, Copy)]
struct Password(&'static str, &'static str);

/// Two servers and their Sentinel, on ports of 127.0.0.1.
#[derive(Debug)]
pub struct RedisSentinel {
    master: Keeper,
    _replica: Keeper,
    sentinel: Keeper,
    master_port: u16,
    port: u16,
}

impl RedisSentinel {
    /// Starts them, and returns once the Sentinel knows that the replica can become the master.
    pub async fn start() -> Self {
        granted(Self::begin().await)
    }

    /// A URL for one service alone. It also names a Sentinel that isn't there.
    #[must_use]
    pub fn fresh_url(&self) -> String {
        let Self { port, .. } = self;
        let (password, sentinel) = (PASSWORD.1, SENTINEL_PASSWORD.1);
        let prefix = unique_number();
        format!(
            "redis+sentinel://:{password}@127.0.0.1:1,127.0.0.1:{port}/{MASTER}/0?prefix=t{prefix}&\
             sentinel_password={sentinel}"
        )
    }

    /// Kills the first master.
    pub async fn kill_master(&self) {
        granted(self.master.finish(Signal::Kill).await);
    }

    /// Waits until the Sentinel names another master than the first.
    pub async fn has_failed_over(&self) {
        let old = self.master_port.to_string();
        let named = wait_for_answer(&self.sentinel, async || {
            let words = ["SENTINEL", "GET-MASTER-ADDR-BY-NAME", MASTER];
            let master: Vec<String> = ask(self.port, SENTINEL_PASSWORD, &words).await?;
            is(!master.contains(&old), "still the first master")
        });
        granted(named.await);
    }

    async fn begin() -> Result<Self, ServerError> {
        let redis = find_program("redis-server", &[])?;
        let (master_port, replica_port, port) = (free_port(), free_port(), free_port());
        let login = ["--requirepass", PASSWORD.0, "--masterauth", PASSWORD.0];
        let server = |port| {
            plain_server(&redis, port)
                .words(login)
                .words(["--repl-diskless-sync-delay", "0"])
        };
        let master = Keeper::new(Signal::Kill)?;
        master.start(&server(master_port)).await?;
        let replica = Keeper::new(Signal::Kill)?;
        let following = ["--replicaof", "127.0.0.1", &master_port.to_string()];
        replica
            .start(&server(replica_port).words(following))
            .await?;
        // The Sentinel asks the master for its replicas at once, and then only every ten seconds.
        wait_for_answer(&master, async || {
            let info: String = ask(master_port, PASSWORD, &["INFO", "replication"]).await?;
            is(info.contains("state=online"), "no replica is online")
        })
        .await?;

        let sentinel = Keeper::new(Signal::Kill)?;
        let settings = settings(port, master_port);
        std::fs::write(sentinel.home().join("sentinel.conf"), settings)
            .map_err(|error| sentinel.failed(format!("no settings: {error}")))?;
        let line = CommandLine::new(&redis).words(["sentinel.conf", "--sentinel"]);
        sentinel.start(&line).await?;
        wait_for_answer(&sentinel, async || {
            let words = ["SENTINEL", "REPLICAS", MASTER];
            let replicas: Vec<HashMap<String, String>> =
                ask(port, SENTINEL_PASSWORD, &words).await?;
            let mut links = replicas
                .iter()
                .filter_map(|one| one.get("master-link-status"));
            is(links.any(|link| link == "ok"), "no replica is linked")
        })
        .await?;
        Ok(Self {
            master,
            _replica: replica,
            sentinel,
            master_port,
            port,
        })
    }
}

fn settings(port: u16, master: u16) -> String {
    let (password, own) = (PASSWORD.0, SENTINEL_PASSWORD.0);
    format!(
        "port {port}\n\
         bind 127.0.0.1\n\
         requirepass {own}\n\
         sentinel monitor {MASTER} 127.0.0.1 {master} 1\n\
         sentinel auth-pass {MASTER} {password}\n\
         sentinel down-after-milliseconds {MASTER} 3000\n\
         sentinel failover-timeout {MASTER} 20000\n"
    )
}

async fn ask<T: FromRedisValue>(
    port: u16,
    password: Password,
    words: &[&str],
) -> Result<T, RedisError> {
    let client = Client::open(format!("redis://:{}@127.0.0.1:{port}", password.1))?;
    let mut connection = client.get_multiplexed_async_connection().await?;
    let mut command = ::redis::Cmd::new();
    command.arg(words);
    command.query_async(&mut connection).await
}

fn is(true_now: bool, otherwise: &'static str) -> Result<(), RedisError> {
    if true_now {
        Ok(())
    } else {
        Err(std::io::Error::other(otherwise).into())
    }
}
