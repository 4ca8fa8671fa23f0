//! Builds the service for a test: in a mode, and with what the test adds to it.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::{Backend, Breakable, Carrier, Mode, TestApp};
use crate::servers::{Disk, Dossier, Postgres, Redis, Variables, program};

/// The API key of the first admin in every test.
pub(super) const ADMIN_KEY: &str = "the-admin-key-of-the-tests-0123456789";

/// A service that hasn't started yet.
#[derive(Debug)]
pub struct TestAppBuilder {
    mode: Mode,
    settings: Variables,
    folder: TempDir,
    small_disks: Vec<String>,
    is_breakable: bool,
    backend: Backend,
    carrier: Carrier,
    queue: Option<String>,
    program: PathBuf,
}

/// The servers of the distributed service.
struct Servers {
    database: String,
    queue: String,
    storage: String,
    redis: Redis,
    backend: Backend,
    breakable: Option<Breakable>,
}

impl TestAppBuilder {
    pub(super) fn new(mode: Mode) -> Self {
        Self {
            mode,
            settings: vec![],
            folder: TempDir::new().expect("a temporary folder can be made"),
            small_disks: vec![],
            is_breakable: false,
            backend: Backend::default(),
            carrier: Carrier::of_environment(),
            queue: None,
            program: program(),
        }
    }

    /// Settings, by the names of their variables.
    #[must_use]
    pub fn settings(mut self, settings: &[(&str, &str)]) -> Self {
        let settings = settings
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        self.settings.extend(settings);
        self
    }

    /// Keeps its data in a folder that the test has prepared.
    #[must_use]
    pub fn folder(mut self, folder: TempDir) -> Self {
        self.folder = folder;
        self
    }

    /// Mounts small disks on these folders of its data; "" is the folder of the database. For the
    /// embedded mode.
    #[must_use]
    pub fn small_disks(mut self, folders: &[&str]) -> Self {
        assert_eq!(
            self.mode,
            Mode::Embedded,
            "the other mode keeps no data in folders"
        );
        self.small_disks = folders.iter().map(|&folder| folder.to_owned()).collect();
        self
    }

    /// Runs on private servers behind gates, which the test may break. For the distributed mode.
    #[must_use]
    pub fn breakable(mut self) -> Self {
        assert_eq!(
            self.mode,
            Mode::Distributed,
            "the other mode has no servers"
        );
        self.is_breakable = true;
        self
    }

    /// Keeps its bytes there. For the distributed mode.
    #[must_use]
    pub fn backend(mut self, backend: Backend) -> Self {
        assert_eq!(
            self.mode,
            Mode::Distributed,
            "the other mode keeps its bytes in files"
        );
        self.backend = backend;
        self
    }

    /// Sends hints by it. For the distributed mode.
    #[must_use]
    pub fn hints_by(mut self, carrier: Carrier) -> Self {
        assert_eq!(
            self.mode,
            Mode::Distributed,
            "the other mode has one process"
        );
        self.carrier = carrier;
        self
    }

    /// Sends hints by the queue with this URL. For the distributed mode.
    #[must_use]
    pub fn queue(mut self, url: String) -> Self {
        assert_eq!(
            self.mode,
            Mode::Distributed,
            "the other mode has one process"
        );
        self.queue = Some(url);
        self
    }

    /// Migrates and starts as another release, by its binary. For the distributed mode.
    #[must_use]
    pub fn release(mut self, program: &Path) -> Self {
        assert_eq!(
            self.mode,
            Mode::Distributed,
            "the other mode has one process"
        );
        program.clone_into(&mut self.program);
        self
    }

    /// Starts the processes, and returns once they are ready.
    pub async fn start(self) -> TestApp {
        match self.mode {
            Mode::Embedded => Box::pin(self.embedded()).await,
            Mode::Distributed => Box::pin(self.distributed()).await,
        }
    }

    async fn embedded(self) -> TestApp {
        let data = self.folder.path().join("data");
        let disks = self.small_disks.iter();
        let mut disks: Vec<_> = disks.map(|folder| Disk::on(&data.join(folder))).collect();
        // The innermost is unmounted first.
        disks.reverse();
        let variables = self.variables();
        TestApp {
            mode: self.mode,
            ingress: Dossier::start("serve", &variables).await,
            variables,
            workers: vec![],
            disks,
            folder: self.folder,
            redis: None,
            breakable: None,
        }
    }

    async fn distributed(self) -> TestApp {
        let mut servers = if self.is_breakable {
            Box::pin(Servers::breakable(self.backend)).await
        } else {
            Box::pin(Servers::shared(self.backend)).await
        };
        if self.carrier == Carrier::Postgres {
            servers.queue = String::from("postgres:");
        }
        if let Some(queue) = &self.queue {
            servers.queue.clone_from(queue);
        }
        let mut variables = self.variables();
        variables.extend(servers.variables().await);
        Dossier::run_of(&self.program, &["migrate", "up"], &variables).await;
        let start = async |role| Dossier::start_of(&self.program, role, &variables).await;
        let (ingress, first, second) =
            tokio::join!(start("ingress"), start("worker"), start("worker"));
        TestApp {
            mode: self.mode,
            variables,
            ingress,
            workers: vec![first, second],
            disks: vec![],
            folder: self.folder,
            redis: Some(servers.redis),
            breakable: servers.breakable,
        }
    }

    fn variables(&self) -> Variables {
        let data = self.folder.path().join("data");
        let own = [
            ("DOSSIER_DATA_DIR", data.display().to_string()),
            ("DOSSIER_BOOTSTRAP_KEY", ADMIN_KEY.to_owned()),
            ("DOSSIER_LOG", "info".to_owned()),
        ];
        let own = own.map(|(name, value)| (name.to_owned(), value));
        own.into_iter().chain(self.settings.clone()).collect()
    }
}

impl Servers {
    async fn shared(backend: Backend) -> Self {
        let (postgres, redis, storage) = tokio::join!(
            Postgres::shared(),
            Redis::private(),
            backend.fresh_storage_url()
        );
        Self {
            database: postgres.create_database().await,
            queue: redis.fresh_url(),
            storage,
            redis,
            backend,
            breakable: None,
        }
    }

    async fn breakable(backend: Backend) -> Self {
        let (breakable, redis, port) =
            tokio::join!(Breakable::start(), Redis::private(), backend.port());
        let queue = redis.fresh_url();
        let breakable = breakable.with_gates_before(&redis, port).await;
        Self {
            database: breakable.database_url().await,
            queue: breakable.queue_url(&queue),
            storage: breakable.storage_url(backend).await,
            redis,
            backend,
            breakable: Some(breakable),
        }
    }

    async fn variables(&self) -> Variables {
        let urls = [
            ("DOSSIER_DATABASE_URL", self.database.as_str()),
            ("DOSSIER_QUEUE_URL", &self.queue),
            ("DOSSIER_STORAGE_URL", &self.storage),
        ];
        let urls = urls.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let credentials = self.backend.environment().await;
        urls.into_iter().chain(credentials).collect()
    }
}
