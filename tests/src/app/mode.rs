//! The two ways in which the service runs, started for one test.

use std::path::Path;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::invariants::Ledger;
use super::{Breakable, Client};
use crate::servers::{Disk, Dossier, Postgres, Redis, S3, Variables};

/// The API key of the first admin in every test.
const ADMIN_KEY: &str = "the-admin-key-of-the-tests-0123456789";

/// A way to run the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// One process on SQLite, the in-process queue and local files.
    Embedded,
    /// Ingress and two workers on PostgreSQL, Redis and S3.
    Distributed,
}

/// A running service with nothing in it but the first admin.
#[derive(Debug)]
pub struct TestApp {
    mode: Mode,
    variables: Variables,
    ingress: Dossier,
    workers: Vec<Dossier>,
    disks: Vec<Disk>,
    folder: TempDir,
    redis: Option<Redis>,
    breakable: Option<Breakable>,
    storage: String,
}

impl TestApp {
    /// Starts the service.
    pub async fn start(mode: Mode) -> Self {
        Box::pin(Self::start_with(mode, &[])).await
    }

    /// Starts the service with settings, by the names of their variables.
    pub async fn start_with(mode: Mode, settings: &[(&str, &str)]) -> Self {
        let folder = TempDir::new().expect("a temporary folder can be made");
        Self::start_in(folder, mode, settings).await
    }

    /// Starts the service with its data in a folder that the test has prepared.
    pub async fn start_in(folder: TempDir, mode: Mode, settings: &[(&str, &str)]) -> Self {
        let variables = variables_of(folder.path(), settings);
        match mode {
            Mode::Embedded => {
                let ingress = Dossier::start("serve", &variables).await;
                let storage = String::new();
                Self {
                    mode,
                    variables,
                    ingress,
                    workers: vec![],
                    disks: vec![],
                    folder,
                    redis: None,
                    breakable: None,
                    storage,
                }
            }
            Mode::Distributed => Box::pin(Self::distributed(variables, folder)).await,
        }
    }

    /// Starts the distributed service on servers that the test may break, with gates before them.
    pub async fn start_breakable(settings: &[(&str, &str)]) -> Self {
        let folder = TempDir::new().expect("a temporary folder can be made");
        let variables = variables_of(folder.path(), settings);
        let (breakable, redis, s3) =
            tokio::join!(Breakable::start(), Redis::private(), S3::shared());
        let queue = redis.fresh_url();
        let breakable = breakable.with_gates_before(&redis, s3).await;
        let servers = Servers {
            database: breakable.database_url().await,
            queue: breakable.queue_url(&queue),
            storage: breakable.storage_url(s3).await,
            redis,
            s3,
        };
        let this = Self::on(servers, variables, folder);
        Self {
            breakable: Some(breakable),
            ..Box::pin(this).await
        }
    }

    /// Starts the embedded service with small disks on those folders of its data; "" is the
    /// folder of the database.
    pub async fn start_on_disks(folders: &[&str], settings: &[(&str, &str)]) -> Self {
        let folder = TempDir::new().expect("a temporary folder can be made");
        let mut disks = Vec::new();
        for name in folders {
            disks.push(Disk::on(&folder.path().join("data").join(name)));
        }
        // The innermost is let go of first.
        disks.reverse();
        Self {
            disks,
            ..Self::start_in(folder, Mode::Embedded, settings).await
        }
    }

    async fn distributed(variables: Variables, folder: TempDir) -> Self {
        let (postgres, redis, s3) =
            tokio::join!(Postgres::shared(), Redis::private(), S3::shared());
        let servers = Servers {
            database: postgres.create_database().await,
            queue: redis.fresh_url(),
            storage: s3.fresh_storage_url().await,
            redis,
            s3,
        };
        Self::on(servers, variables, folder).await
    }

    async fn on(servers: Servers, mut variables: Variables, folder: TempDir) -> Self {
        let Servers {
            database,
            queue,
            storage,
            redis,
            s3,
        } = servers;
        variables.push(("DOSSIER_DATABASE_URL".to_owned(), database));
        variables.push(("DOSSIER_QUEUE_URL".to_owned(), queue));
        variables.push(("DOSSIER_STORAGE_URL".to_owned(), storage.clone()));
        variables.extend(
            s3.environment()
                .map(|(name, value)| (name.to_owned(), value)),
        );
        Dossier::run(&["migrate", "up"], &variables).await;
        let (ingress, first, second) = tokio::join!(
            Dossier::start("ingress", &variables),
            Dossier::start("worker", &variables),
            Dossier::start("worker", &variables),
        );
        let workers = vec![first, second];
        Self {
            mode: Mode::Distributed,
            variables,
            ingress,
            workers,
            disks: vec![],
            folder,
            redis: Some(redis),
            breakable: None,
            storage,
        }
    }

    /// Which way it runs.
    #[must_use]
    pub const fn mode(&self) -> Mode {
        self.mode
    }

    /// The process that answers requests.
    #[must_use]
    pub const fn ingress(&self) -> &Dossier {
        &self.ingress
    }

    /// The processes that work on jobs: the ingress itself in the embedded mode.
    #[must_use]
    pub fn workers(&self) -> Vec<&Dossier> {
        if self.workers.is_empty() {
            vec![&self.ingress]
        } else {
            self.workers.iter().collect()
        }
    }

    /// The Redis server, which is this service's alone; none in the embedded mode.
    #[must_use]
    pub const fn redis(&self) -> Option<&Redis> {
        self.redis.as_ref()
    }

    /// The servers and gates that the test may break.
    #[must_use]
    pub fn breakable(&self) -> &Breakable {
        self.breakable
            .as_ref()
            .expect("it was started on servers that may break")
    }

    /// The disk on the first of the folders that it was started on.
    #[must_use]
    pub fn disk(&self) -> &Disk {
        self.disks.last().expect("it was started on disks")
    }

    /// The settings the processes run with.
    #[must_use]
    pub const fn variables(&self) -> &Variables {
        &self.variables
    }

    /// A folder of this test alone.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The first admin's API key.
    #[must_use]
    pub const fn admin_key(&self) -> &'static str {
        ADMIN_KEY
    }

    /// Somebody without a token.
    #[must_use]
    pub fn nobody(&self) -> Client {
        Client::new(&self.ingress.api(), None)
    }

    /// Somebody with a token of the test's choice.
    #[must_use]
    pub fn bearer(&self, token: &str) -> Client {
        Client::new(&self.ingress.api(), Some(token))
    }

    /// The first admin.
    #[must_use]
    pub fn admin(&self) -> Client {
        self.bearer(ADMIN_KEY)
    }

    /// A new user with the default quota.
    pub async fn user(&self, name: &str) -> Client {
        self.user_with(serde_json::json!({"name": name})).await
    }

    /// A new user as described, with a key of their own.
    pub async fn user_with(&self, description: serde_json::Value) -> Client {
        let admin = self.admin();
        let user = admin
            .post_json("/v1/admin/users", &description)
            .await
            .expect_status(201)
            .await;
        let id = user["id"].as_str().expect("a user has an id");
        let path = format!("/v1/admin/users/{id}/keys");
        let key = admin
            .post_json(&path, &serde_json::json!({}))
            .await
            .expect_status(201)
            .await;
        let mut client = self.bearer(key["key"].as_str().expect("a new key is shown"));
        client.user = Some(id.to_owned());
        client
    }

    /// The ledger, for those who look or reach behind the service.
    pub async fn database(&self) -> ledger::Database {
        Ledger::open(self.mode, self.folder.path(), &self.variables)
            .await
            .into_database()
    }

    /// How many documents are pending, as the database says.
    pub async fn pending_documents(&self) -> i64 {
        let ledger = Ledger::open(self.mode, self.folder.path(), &self.variables).await;
        ledger.pending_documents().await
    }

    /// Waits until staging holds nothing, not even half an upload. On S3 a half
    /// upload is no object, and `ends_clean` looks at those.
    pub async fn staging_holds_nothing(&self, patience: Duration) {
        let staging = self.folder.path().join("data/staging");
        let begin = Instant::now();
        loop {
            let left = super::invariants::files(&staging);
            if left.is_empty() {
                return;
            }
            assert!(begin.elapsed() < patience, "staging still holds {left:?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until no job is left and nothing is to be removed, then holds the
    /// database and the storage to what must be true of them at rest.
    pub async fn ends_clean(&self) {
        self.ends_whole(0).await;
    }

    /// The same, save that so many uploads were cut off in ways that leave staged bytes, which
    /// no row refers to, for the cleanup.
    pub async fn ends_whole(&self, most_leftovers: usize) {
        let s3 = if self.mode == Mode::Distributed {
            Some(S3::shared().await)
        } else {
            None
        };
        let ledger = Ledger::open(self.mode, self.folder.path(), &self.variables).await;
        ledger.run_dry().await;
        ledger.check_counters().await;
        ledger.check_bytes(s3, &self.storage, most_leftovers).await;
    }

    /// The texts that a question to the database gives, for what a failed test has to tell.
    pub async fn texts(&self, sql: &str) -> Vec<String> {
        let ledger = Ledger::open(self.mode, self.folder.path(), &self.variables).await;
        ledger.texts(sql).await.into_iter().collect()
    }

    /// The number that a question to the database gives.
    pub async fn number(&self, sql: &str) -> i64 {
        let ledger = Ledger::open(self.mode, self.folder.path(), &self.variables).await;
        ledger.number(sql).await
    }

    /// Changes rows behind the service's back, and says how many.
    pub async fn tampers(&self, sql: &str) -> u64 {
        let ledger = Ledger::open(self.mode, self.folder.path(), &self.variables).await;
        ledger.tamper(sql).await
    }
}

/// Where the distributed service finds its servers.
struct Servers {
    database: String,
    queue: String,
    storage: String,
    redis: Redis,
    s3: &'static S3,
}

fn variables_of(folder: &Path, settings: &[(&str, &str)]) -> Variables {
    let mut variables = vec![
        (
            "DOSSIER_DATA_DIR".to_owned(),
            folder.join("data").display().to_string(),
        ),
        ("DOSSIER_BOOTSTRAP_KEY".to_owned(), ADMIN_KEY.to_owned()),
        ("DOSSIER_LOG".to_owned(), "info".to_owned()),
    ];
    let settings = settings
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    variables.extend(settings);
    variables
}
