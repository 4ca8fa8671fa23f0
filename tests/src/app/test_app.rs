//! A running service, as a test asks it and looks behind it.

use std::path::Path;
use std::time::Duration;

use tempfile::TempDir;

use super::builder::{ADMIN_KEY, TestAppBuilder};
use super::invariants::Ledger;
use super::{Breakable, Client, Mode};
use crate::poll::poll;
use crate::servers::{Disk, Dossier, Redis, S3, Variables};

/// A running service with nothing in it but the first admin.
#[derive(Debug)]
pub struct TestApp {
    pub(super) mode: Mode,
    pub(super) variables: Variables,
    pub(super) ingress: Dossier,
    pub(super) workers: Vec<Dossier>,
    pub(super) disks: Vec<Disk>,
    pub(super) folder: TempDir,
    pub(super) redis: Option<Redis>,
    pub(super) breakable: Option<Breakable>,
    pub(super) storage: String,
}

impl TestApp {
    /// Starts the service with its defaults.
    pub async fn start(mode: Mode) -> Self {
        Self::builder(mode).start().await
    }

    /// A service that a test describes further before it starts.
    #[must_use]
    pub fn builder(mode: Mode) -> TestAppBuilder {
        TestAppBuilder::new(mode)
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
        poll(patience, async || {
            let left = super::invariants::files(&staging);
            if left.is_empty() {
                Ok(())
            } else {
                Err(format!("staging still holds {left:?}"))
            }
        })
        .await;
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
