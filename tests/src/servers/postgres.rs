//! A private PostgreSQL server. Used by the harness and by tests that stop the server. It creates
//! no schema: the service's migrations do.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbErr, Statement};
use tokio::sync::OnceCell;

use super::keeper::{CommandLine, Keeper, Signal};
use super::process::{
    ServerError, find_program, free_port, granted, is_root, send_signal, sorted_folders,
    unique_number, wait_for_answer,
};

/// Settings that make the server fast while commits survive a SIGKILL: only a crash of the
/// operating system would lose them.
const SETTINGS: &[&str] = &[
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",
    "max_connections=400",
    "shared_buffers=64MB",
    "fsync=off",
    "full_page_writes=off",
    "synchronous_commit=on",
    "wal_level=minimal",
    "max_wal_senders=0",
    "max_wal_size=512MB",
    "min_wal_size=80MB",
    "checkpoint_timeout=30min",
    "jit=off",
    // Shared memory as files in the data folder, so that they are removed with it.
    "dynamic_shared_memory_type=mmap",
    "logging_collector=off",
    "log_min_messages=warning",
    "timezone=UTC",
];

/// What a server in production does instead. The later of two settings counts.
const DURABLE: &[&str] = &[
    "fsync=on",
    "full_page_writes=on",
    "wal_level=replica",
    "shared_preload_libraries=pg_stat_statements",
    "pg_stat_statements.track_planning=on",
];

/// A PostgreSQL server of this test process, on a port of 127.0.0.1.
#[derive(Debug)]
pub struct Postgres {
    keeper: Keeper,
    server: CommandLine,
    port: u16,
}

static SHARED: OnceCell<Postgres> = OnceCell::const_new();

impl Postgres {
    /// The server shared by all tests of this process, started at the first call. Tests must not
    /// stop it: they use a [`Postgres::private`] one.
    pub async fn shared() -> &'static Self {
        SHARED.get_or_init(Self::private).await
    }

    /// A server of the caller's own, which may be stopped, killed and started again. It is stopped
    /// when it is dropped.
    pub async fn private() -> Self {
        granted(Self::begin(&[]).await)
    }

    /// A private server that syncs what it commits, as one in production does, and counts what each
    /// statement costs (`pg_stat_statements`), for benchmarks.
    pub async fn durable() -> Self {
        granted(Self::begin(DURABLE).await)
    }

    /// The process id of the server.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.keeper.server().expect("it was started")
    }

    /// Creates an empty database and returns its URL,
    /// `postgres://dossier@127.0.0.1:<port>/t_<unique>`.
    pub async fn create_database(&self) -> String {
        let name = format!("t_{}", unique_number());
        // template0: it accepts no connections, which would block the copy.
        let made = self
            .administer(&format!("CREATE DATABASE {name} TEMPLATE template0"))
            .await;
        granted(made.map_err(|error| self.keeper.failed(format!("no database: {error}"))));
        self.database_url(&name)
    }

    /// Kills the server by SIGKILL and starts it again on the same port. Committed data survives,
    /// connections don't.
    pub async fn restart_by_sigkill(&self) {
        granted(self.keeper.finish(Signal::Kill).await);
        granted(self.launch().await);
    }

    /// The port it listens on.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Kills the server by SIGKILL; until the next [`Postgres::start`], connections are refused.
    pub async fn kill(&self) {
        granted(self.keeper.finish(Signal::Kill).await);
    }

    /// Stops the server and disconnects its clients. Its databases are kept for the next
    /// [`Postgres::start`]; until then, connections are refused.
    pub async fn stop(&self) {
        granted(self.keeper.finish(Signal::Interrupt).await);
    }

    /// Starts the server again, on the same port, after a [`Postgres::stop`].
    pub async fn start(&self) {
        granted(self.launch().await);
    }

    /// Runs a statement as the server's administrator.
    pub async fn executes(&self, statement: &str) {
        let done = self.administer(statement).await;
        granted(done.map_err(|error| self.keeper.failed(format!("{statement}: {error}"))));
    }

    /// Kills the server's process behind a session of this name by SIGKILL, upon which the server
    /// throws out all sessions and recovers.
    pub async fn kills_session(&self, name: &str) {
        let sql =
            format!("SELECT pid FROM pg_stat_activity WHERE application_name = '{name}' LIMIT 1");
        let found = async {
            let connection = connect(&self.database_url("postgres")).await?;
            let statement = Statement::from_string(connection.get_database_backend(), sql);
            let row = connection.query_one_raw(statement).await?;
            connection.close().await?;
            row.map(|row| row.try_get_by_index(0)).transpose()
        };
        let found: Result<Option<i32>, DbErr> = found.await;
        let process = granted(found.map_err(|error| self.keeper.failed(error.to_string())));
        let process = process.expect("a session has this name");
        send_signal(process.unsigned_abs(), "KILL");
    }

    #[cfg(test)]
    pub(super) fn keeper(&self) -> &Keeper {
        &self.keeper
    }

    async fn begin(further: &[&str]) -> Result<Self, ServerError> {
        let folders = server_folders();
        let initdb = find_program("initdb", &folders)?;
        let postgres = find_program("postgres", &folders)?;
        let keeper = Keeper::new(Signal::Quit)?;
        let data = keeper.home().join("data");
        let user = unprivileged(&keeper, &data).await?;
        let make = user
            .clone()
            .then(&CommandLine::new(&initdb))
            .words(["--username=dossier", "--auth=trust", "--encoding=UTF8"])
            .words(["--locale=C.UTF-8", "--no-sync", "--no-instructions"])
            .word("--pgdata")
            .word(&data);
        // The collation and letter case of a language, as in most installations: reveals queries
        // that silently rely on the C locale.
        let linguistic = make
            .clone()
            .words(["--locale-provider=icu", "--icu-locale=en-US"]);
        if keeper.run(&linguistic).await.is_err() {
            keeper.run(&make).await?;
        }
        let port = free_port();
        let server = SETTINGS
            .iter()
            .chain(further)
            .fold(
                user.then(&CommandLine::new(&postgres)),
                |command, setting| command.word("-c").word(setting),
            )
            .word("-c")
            .word(format!("port={port}"))
            .word("-D")
            .word(&data);
        let this = Self {
            keeper,
            server,
            port,
        };
        this.launch().await?;
        Ok(this)
    }

    /// Starts the server and waits until it answers. The sessions of a killed server take a moment
    /// to end; until then, a new one refuses to start.
    async fn launch(&self) -> Result<(), ServerError> {
        let begin = Instant::now();
        loop {
            self.keeper.start(&self.server).await?;
            let answered = wait_for_answer(&self.keeper, async || self.ask().await).await;
            if answered.is_ok() || begin.elapsed() > Duration::from_secs(20) {
                return answered;
            }
            self.keeper.finish(Signal::Quit).await?;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// A query that only this server answers like this.
    async fn ask(&self) -> Result<(), DbErr> {
        let data = self.keeper.home().join("data");
        self.administer(&format!(
            "DO $$ BEGIN ASSERT current_setting('data_directory') = '{}'; END $$",
            data.display()
        ))
        .await
    }

    async fn administer(&self, statement: &str) -> Result<(), DbErr> {
        let connection = connect(&self.database_url("postgres")).await?;
        let done = connection.execute_unprepared(statement).await;
        connection.close().await?;
        done.map(drop)
    }

    fn database_url(&self, database: &str) -> String {
        format!("postgres://dossier@127.0.0.1:{}/{database}", self.port)
    }
}

/// One connection, which fails immediately if it is refused: by default the pool would retry for
/// half a minute.
async fn connect(url: &str) -> Result<DatabaseConnection, DbErr> {
    let patience = Duration::from_secs(1);
    let mut options = ConnectOptions::new(url);
    options
        .max_connections(1)
        .connect_timeout(patience)
        .acquire_timeout(patience)
        .sqlx_logging(false);
    Database::connect(options).await
}

/// The folders of Debian's server programs, the newest version first.
fn server_folders() -> Vec<PathBuf> {
    let mut folders = sorted_folders(Path::new("/usr/lib/postgresql"));
    // Versions are numbers: 9 is older than 15.
    folders.sort_by_key(|folder| {
        let version = folder.file_name().and_then(std::ffi::OsStr::to_str);
        std::cmp::Reverse(version.and_then(|version| version.parse::<u32>().ok()))
    });
    folders
        .into_iter()
        .map(|folder| folder.join("bin"))
        .collect()
}

/// PostgreSQL refuses to run as root. For root, changes the owner of the data folder to another
/// user and returns the words that run a command as that user; otherwise does nothing.
async fn unprivileged(keeper: &Keeper, data: &Path) -> Result<CommandLine, ServerError> {
    if !is_root() {
        return Ok(CommandLine::default());
    }
    let accounts = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let account = |name: &str| {
        let line = accounts
            .lines()
            .find(|line| line.split(':').next() == Some(name))?;
        let mut fields = line.split(':').skip(2);
        Some((fields.next()?.to_owned(), fields.next()?.to_owned()))
    };
    let (user, group) = account("postgres")
        .or_else(|| account("nobody"))
        .unwrap_or_else(|| ("65534".to_owned(), "65534".to_owned()));
    let install = find_program("install", &[])?;
    let setpriv = find_program("setpriv", &[])?;
    keeper
        .run(
            &CommandLine::new(&install)
                .words(["-d", "-m", "700", "-o", &user, "-g", &group])
                .word(data),
        )
        .await?;
    Ok(CommandLine::new(&setpriv)
        .word(format!("--reuid={user}"))
        .word(format!("--regid={group}"))
        .word("--clear-groups"))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn execute(url: &str, statement: &str) -> Result<(), DbErr> {
        let connection = connect(url).await?;
        let done = connection.execute_unprepared(statement).await;
        connection.close().await?;
        done.map(drop)
    }

    #[tokio::test]
    async fn two_databases_do_not_see_each_other() {
        let postgres = Postgres::shared().await;
        let one = postgres.create_database().await;
        let other = postgres.create_database().await;
        execute(&one, "CREATE TABLE things (id int)").await.unwrap();
        execute(&one, "SELECT * FROM things").await.unwrap();
        execute(&other, "SELECT * FROM things").await.unwrap_err();
    }

    #[tokio::test]
    async fn what_is_committed_survives_a_crash_and_a_stop() {
        let postgres = Postgres::private().await;
        let url = postgres.create_database().await;
        execute(&url, "CREATE TABLE things (id int)").await.unwrap();
        // A session that is open when the server dies must not block the restart.
        let open = connect(&url).await.unwrap();
        open.execute_unprepared("INSERT INTO things VALUES (1)")
            .await
            .unwrap();
        postgres.restart_by_sigkill().await;
        execute(
            &url,
            "INSERT INTO things VALUES (1 / (SELECT id FROM things))",
        )
        .await
        .unwrap();
        postgres.stop().await;
        execute(&url, "SELECT 1").await.unwrap_err();
        postgres.start().await;
        execute(&url, "SELECT 1 / ((SELECT count(*) FROM things) - 1)")
            .await
            .unwrap();
    }
}
