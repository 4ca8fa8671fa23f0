//! Redis with a failover: a master, a replica of it, and a Sentinel that makes the replica the master
//! when the master is gone. Servers and Sentinel require different logins, and within TLS users, too.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use ::redis::{Client, FromRedisValue, RedisError};

use super::certificates::make_certificates;
use super::keeper::{CommandLine, Keeper, Signal};
use super::process::{
    ServerError, find_program, free_port, granted, unique_number, wait_for_answer,
};
use super::redis::plain_server;

/// The Sentinel's name of the master.
const MASTER: &str = "main";

/// Logins, with all that has to be written otherwise in a URL.
const SERVER: Login = Login("dossier", "p@ss:w/rd%?", "p%40ss%3Aw%2Frd%25%3F");
const SENTINEL: Login = Login("watcher", "s@nt&nel", "s%40nt%26nel");

/// A user, a password, and how it is written in a URL.
#[derive(Clone, Copy)]
struct Login(&'static str, &'static str, &'static str);

/// The ports of a server: one for the harness, without TLS, and the one that is named to others.
#[derive(Clone, Copy, Debug)]
struct Ports {
    own: u16,
    named: u16,
}

/// Two servers and their Sentinel, on ports of 127.0.0.1.
#[derive(Debug)]
pub struct RedisSentinel {
    master: Keeper,
    replica: Keeper,
    sentinel: Keeper,
    master_ports: Ports,
    ports: Ports,
    tls: Option<PathBuf>,
}

impl RedisSentinel {
    /// Starts them, and returns once the Sentinel knows that the replica can become the master.
    pub async fn start() -> Self {
        granted(Self::begin(None).await)
    }

    /// The same within TLS, with users, and with certificates of an authority of their own, which are
    /// made in `folder`.
    pub async fn within_tls(folder: &Path) -> Self {
        granted(Self::begin(Some(folder.to_owned())).await)
    }

    /// A URL for one service alone. It also names a Sentinel that isn't there.
    #[must_use]
    pub fn fresh_url(&self) -> String {
        let port = self.ports.named;
        let (scheme, server, options) = match &self.tls {
            None => ("redis", String::new(), String::new()),
            Some(folder) => {
                let ca = folder.join("ca.pem");
                let options = format!("&ca={}&sentinel_username={}", ca.display(), SENTINEL.0);
                ("rediss", SERVER.0.to_owned(), options)
            }
        };
        let (password, sentinel) = (SERVER.2, SENTINEL.2);
        let prefix = unique_number();
        format!(
            "{scheme}+sentinel://{server}:{password}@127.0.0.1:1,127.0.0.1:{port}/{MASTER}/0\
             ?prefix=t{prefix}&sentinel_password={sentinel}{options}"
        )
    }

    /// Kills the first master.
    pub async fn kill_master(&self) {
        granted(self.master.finish(Signal::Kill).await);
    }

    /// Waits until the Sentinel names another master than the first.
    pub async fn has_failed_over(&self) {
        let old = self.master_ports.named.to_string();
        let named = wait_for_answer(&self.sentinel, async || {
            let words = ["SENTINEL", "GET-MASTER-ADDR-BY-NAME", MASTER];
            let master: Vec<String> = self.ask(self.ports, SENTINEL, &words).await?;
            is(!master.contains(&old), "still the first master")
        });
        granted(named.await);
    }

    async fn begin(tls: Option<PathBuf>) -> Result<Self, ServerError> {
        let redis = find_program("redis-server", &[])?;
        let keeper = || Keeper::new(Signal::Kill);
        let this = Self {
            master: keeper()?,
            replica: keeper()?,
            sentinel: keeper()?,
            master_ports: Ports::free(tls.is_some()),
            ports: Ports::free(tls.is_some()),
            tls,
        };
        if let Some(folder) = &this.tls {
            let openssl = find_program("openssl", &[])?;
            make_certificates(&this.master, &openssl, folder).await?;
        }
        this.master
            .start(&this.server(&redis, this.master_ports))
            .await?;
        let replica_ports = Ports::free(this.tls.is_some());
        let following = [
            "--replicaof",
            "127.0.0.1",
            &this.master_ports.named.to_string(),
        ];
        let replica = this.server(&redis, replica_ports).words(following);
        this.replica.start(&replica).await?;
        // The Sentinel asks the master for its replicas at once, and then only every ten seconds.
        wait_for_answer(&this.master, async || {
            let words = ["INFO", "replication"];
            let info: String = this.ask(this.master_ports, SERVER, &words).await?;
            is(info.contains("state=online"), "no replica is online")
        })
        .await?;
        std::fs::write(this.sentinel.home().join("sentinel.conf"), this.settings())
            .map_err(|error| this.sentinel.failed(format!("no settings: {error}")))?;
        let line = CommandLine::new(&redis).words(["sentinel.conf", "--sentinel"]);
        this.sentinel.start(&line).await?;
        wait_for_answer(&this.sentinel, async || {
            let words = ["SENTINEL", "REPLICAS", MASTER];
            let replicas: Vec<HashMap<String, String>> =
                this.ask(this.ports, SENTINEL, &words).await?;
            let mut links = replicas
                .iter()
                .filter_map(|one| one.get("master-link-status"));
            is(links.any(|link| link == "ok"), "no replica is linked")
        })
        .await?;
        Ok(this)
    }

    fn server(&self, redis: &Path, ports: Ports) -> CommandLine {
        let line = plain_server(redis, ports.own)
            .words(["--repl-diskless-sync-delay", "0"])
            .words(["--masterauth", SERVER.1]);
        if self.tls.is_none() {
            return line.words(["--requirepass", SERVER.1]);
        }
        let mut line = line
            .words(["--masteruser", SERVER.0])
            .words(["--user", "default", "off", "--user", SERVER.0, "on"])
            .words([format!(">{}", SERVER.1).as_str(), "~*", "&*", "+@all"]);
        for (option, value) in self.tls_options(ports) {
            line = line.words([format!("--{option}"), value]);
        }
        line
    }

    /// None without TLS.
    fn tls_options(&self, ports: Ports) -> Vec<(&'static str, String)> {
        let Some(folder) = &self.tls else {
            return vec![];
        };
        let file = |name: &str| folder.join(name).display().to_string();
        vec![
            ("tls-port", ports.named.to_string()),
            ("tls-cert-file", file("server.pem")),
            ("tls-key-file", file("server.key")),
            ("tls-ca-cert-file", file("ca.pem")),
            ("tls-auth-clients", "no".to_owned()),
            ("tls-replication", "yes".to_owned()),
        ]
    }

    fn settings(&self) -> String {
        let master = self.master_ports.named;
        let (password, sentinel) = (SERVER.1, SENTINEL.1);
        let mut lines = vec![
            format!("port {}", self.ports.own),
            "bind 127.0.0.1".to_owned(),
            format!("sentinel monitor {MASTER} 127.0.0.1 {master} 1"),
            format!("sentinel auth-pass {MASTER} {password}"),
            format!("sentinel down-after-milliseconds {MASTER} 3000"),
            format!("sentinel failover-timeout {MASTER} 20000"),
        ];
        if self.tls.is_some() {
            let (user, watcher) = (SERVER.0, SENTINEL.0);
            lines.push("user default off".to_owned());
            lines.push(format!("user {watcher} on >{sentinel} ~* &* +@all"));
            lines.push(format!("sentinel auth-user {MASTER} {user}"));
        } else {
            lines.push(format!("requirepass {sentinel}"));
        }
        let options = self.tls_options(self.ports).into_iter();
        lines.extend(options.map(|(option, value)| format!("{option} {value}")));
        lines.join("\n") + "\n"
    }

    async fn ask<T: FromRedisValue>(
        &self,
        ports: Ports,
        Login(user, _, password): Login,
        words: &[&str],
    ) -> Result<T, RedisError> {
        let user = if self.tls.is_some() { user } else { "" };
        let client = Client::open(format!("redis://{user}:{password}@127.0.0.1:{}", ports.own))?;
        let mut connection = client.get_multiplexed_async_connection().await?;
        let mut command = ::redis::Cmd::new();
        command.arg(words);
        command.query_async(&mut connection).await
    }
}

impl Ports {
    fn free(is_within_tls: bool) -> Self {
        let own = free_port();
        let named = if is_within_tls { free_port() } else { own };
        Self { own, named }
    }
}

fn is(true_now: bool, otherwise: &'static str) -> Result<(), RedisError> {
    if true_now {
        Ok(())
    } else {
        Err(std::io::Error::other(otherwise).into())
    }
}
