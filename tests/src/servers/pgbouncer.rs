//! A pooler in front of the PostgreSQL server of the tests: connections of the service share its
//! sessions with the server.

use std::path::PathBuf;

use tokio::net::TcpStream;

use super::Postgres;
use super::keeper::{CommandLine, Keeper, Signal};
use super::process::{ServerError, find_program, free_port, granted, is_root, wait_for_answer};

/// A `PgBouncer` on a port of 127.0.0.1, stopped when it is dropped.
#[derive(Debug)]
pub struct PgBouncer {
    keeper: Keeper,
    port: u16,
    server_port: u16,
}

impl PgBouncer {
    /// A pooler in front of `postgres` that assigns sessions by `pool_mode`: `session` or
    /// `transaction`.
    pub async fn before(postgres: &Postgres, pool_mode: &str) -> Self {
        granted(Self::begin(postgres, pool_mode).await)
    }

    /// The URL through the pooler of a database whose own URL is `url`.
    #[must_use]
    pub fn url(&self, url: &str) -> String {
        let server = format!(":{}/", self.server_port);
        url.replace(&server, &format!(":{}/", self.port))
    }

    async fn begin(postgres: &Postgres, pool_mode: &str) -> Result<Self, ServerError> {
        let program = find_program("pgbouncer", &[PathBuf::from("/usr/sbin")])?;
        let keeper = Keeper::new(Signal::Kill)?;
        let (port, server_port) = (free_port(), postgres.port());
        let settings = format!(
            "[databases]\n* = host=127.0.0.1 port={server_port} user=dossier\n\
             [pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n\
             auth_type = any\npool_mode = {pool_mode}\ndefault_pool_size = 8\n"
        );
        let file = keeper.home().join("pgbouncer.ini");
        std::fs::write(&file, settings).expect("the folder is ours");
        // PgBouncer refuses to run as root.
        let user: &[&str] = if is_root() { &["-u", "nobody"] } else { &[] };
        let server = CommandLine::new(&program).words(user).word(&file);
        keeper.start(&server).await?;
        wait_for_answer(&keeper, async || {
            TcpStream::connect(("127.0.0.1", port)).await.map(drop)
        })
        .await?;
        Ok(Self {
            keeper,
            port,
            server_port,
        })
    }

    /// The log of the pooler.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.keeper.home().join("log")).unwrap_or_default()
    }
}
