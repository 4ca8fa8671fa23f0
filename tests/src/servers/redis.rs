//! A private Redis server. Used by the harness and by tests that stop or flush the server. It keeps
//! nothing on disk: the service must lose nothing by that.

use std::path::Path;

use ::redis::{Client, RedisError};
use tokio::sync::OnceCell;

use super::certificates::make_certificates;
use super::keeper::{CommandLine, Keeper, Signal};
use super::process::{
    ServerError, find_program, free_port, granted, send_signal, unique_number, wait_for_answer,
};

/// A Redis server of this test process, on a port of 127.0.0.1.
#[derive(Debug)]
pub struct Redis {
    keeper: Keeper,
    server: CommandLine,
    port: u16,
}

static SHARED: OnceCell<Redis> = OnceCell::const_new();

impl Redis {
    /// The server shared by all tests of this process, started at the first call. Tests must
    /// neither stop nor flush it: they use a [`Redis::private`] one.
    pub async fn shared() -> &'static Self {
        SHARED.get_or_init(Self::private).await
    }

    /// A server of the caller's own, which may be stopped, flushed and started again. It is stopped
    /// when it is dropped.
    pub async fn private() -> Self {
        granted(Self::begin().await)
    }

    /// The server's URL without a prefix, `redis://127.0.0.1:<port>/0`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/0", self.port)
    }

    /// A URL for one service alone, `redis://127.0.0.1:<port>/0?prefix=t<unique>`:
    /// all of the service's keys begin with its prefix.
    #[must_use]
    pub fn fresh_url(&self) -> String {
        format!("{}?prefix=t{}", self.url(), unique_number())
    }

    /// A server that accepts only TLS, with a certificate of its own authority in `ca.pem` of the
    /// folder, and requires the user and the password.
    pub async fn within_tls(folder: &Path, user: &str, password: &str) -> Self {
        granted(Self::begin_within_tls(folder, user, password).await)
    }

    /// Deletes every key, as a restart does; connections are kept.
    pub async fn flush(&self) {
        let flushed = self.command("FLUSHALL").await;
        granted(flushed.map_err(|error| self.keeper.failed(format!("no flush: {error}"))));
    }

    /// Stops the server, which loses its data; until the next [`Redis::start`], connections are
    /// refused.
    pub async fn stop(&self) {
        granted(self.keeper.finish(Signal::Kill).await);
    }

    /// The process id of the server.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.keeper.server().expect("it was started")
    }

    /// The port it listens on.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Sends SIGSTOP: connections stay open, but nothing is answered.
    pub fn pause(&self) {
        send_signal(self.keeper.server().expect("it was started"), "STOP");
    }

    /// Sends SIGCONT: the server continues.
    pub fn resume(&self) {
        send_signal(self.keeper.server().expect("it was started"), "CONT");
    }

    /// Starts the server again, empty, on the same port, after a [`Redis::stop`].
    pub async fn start(&self) {
        granted(self.launch().await);
    }

    #[cfg(test)]
    pub(super) fn keeper(&self) -> &Keeper {
        &self.keeper
    }

    async fn begin() -> Result<Self, ServerError> {
        let redis = find_program("redis-server", &[])?;
        let keeper = Keeper::new(Signal::Kill)?;
        let port = free_port();
        let server = plain_server(&redis, port).words(["--maxclients", "4000"]);
        let this = Self {
            keeper,
            server,
            port,
        };
        this.launch().await?;
        Ok(this)
    }

    async fn begin_within_tls(
        folder: &Path,
        user: &str,
        password: &str,
    ) -> Result<Self, ServerError> {
        let redis = find_program("redis-server", &[])?;
        let openssl = find_program("openssl", &[])?;
        let keeper = Keeper::new(Signal::Kill)?;
        let port = free_port();
        make_certificates(&keeper, &openssl, folder).await?;
        let file = |name: &str| folder.join(name).display().to_string();
        let server = CommandLine::new(&redis)
            .words([
                "--bind",
                "127.0.0.1",
                "--port",
                "0",
                "--tls-auth-clients",
                "no",
            ])
            .words(["--tls-port", &port.to_string()])
            .words(["--tls-cert-file", &file("server.pem")])
            .words(["--tls-key-file", &file("server.key")])
            .words(["--tls-ca-cert-file", &file("ca.pem")])
            .words(["--save", "", "--appendonly", "no", "--daemonize", "no"])
            .words(["--user", "default", "off"])
            .words([
                "--user",
                user,
                "on",
                &format!(">{password}"),
                "~*",
                "&*",
                "+@all",
            ]);
        let this = Self {
            keeper,
            server,
            port,
        };
        this.keeper.start(&this.server).await?;
        wait_for_answer(&this.keeper, async || {
            tokio::net::TcpStream::connect(("127.0.0.1", port))
                .await
                .map(drop)
        })
        .await?;
        Ok(this)
    }

    async fn launch(&self) -> Result<(), ServerError> {
        self.keeper.start(&self.server).await?;
        wait_for_answer(&self.keeper, async || self.command("PING").await).await
    }

    async fn command(&self, command: &str) -> Result<(), RedisError> {
        let client = Client::open(self.url())?;
        let mut connection = client.get_multiplexed_async_connection().await?;
        ::redis::cmd(command)
            .query_async::<String>(&mut connection)
            .await
            .map(drop)
    }
}

/// A server without TLS that keeps nothing on disk.
pub(super) fn plain_server(redis: &Path, port: u16) -> CommandLine {
    CommandLine::new(redis)
        .words(["--bind", "127.0.0.1", "--port", &port.to_string()])
        .words(["--save", "", "--appendonly", "no", "--daemonize", "no"])
        .words(["--loglevel", "warning"])
}

#[cfg(test)]
mod tests {
    use ::redis::AsyncCommands;

    use super::*;

    async fn get(url: &str, key: &str) -> Result<Option<String>, RedisError> {
        let mut connection = Client::open(url)?
            .get_multiplexed_async_connection()
            .await?;
        connection.get(key).await
    }

    async fn set(url: &str, key: &str) -> Result<(), RedisError> {
        let mut connection = Client::open(url)?
            .get_multiplexed_async_connection()
            .await?;
        connection.set(key, "1").await
    }

    #[tokio::test]
    async fn the_shared_server_answers_and_prefixes_differ() {
        let redis = Redis::shared().await;
        set(&redis.url(), "answer").await.unwrap();
        assert!(get(&redis.url(), "answer").await.unwrap().is_some());
        assert_ne!(redis.fresh_url(), redis.fresh_url());
        assert!(redis.fresh_url().starts_with(&redis.url()));
    }

    #[tokio::test]
    async fn a_flush_and_a_stop_lose_everything() {
        let redis = Redis::private().await;
        set(&redis.url(), "key").await.unwrap();
        redis.flush().await;
        assert_eq!(get(&redis.url(), "key").await.unwrap(), None);
        set(&redis.url(), "key").await.unwrap();
        redis.stop().await;
        get(&redis.url(), "key").await.unwrap_err();
        redis.start().await;
        assert_eq!(get(&redis.url(), "key").await.unwrap(), None);
    }
}
