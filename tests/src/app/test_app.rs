//! A running service, with access to its API and to its internals.

use std::path::Path;
use std::time::Duration;

use tempfile::TempDir;

use super::builder::{ADMIN_KEY, TestAppBuilder};
use super::invariants::Ledger;
use super::{Breakable, Client, Mode};
use crate::poll::poll;
use crate::servers::{Disk, Dossier, Redis, Variables};

/// A running service with only the first admin.
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
}

impl TestApp {
    /// Starts the service with its defaults.
    pub async fn start(mode: Mode) -> Self {
        Self::builder(mode).start().await
    }

    /// Builds a service that a test configures further before it starts.
    #[must_use]
    pub fn builder(mode: Mode) -> TestAppBuilder {
        TestAppBuilder::new(mode)
    }

    /// The mode of the service.
    #[must_use]
    pub const fn mode(&self) -> Mode {
        self.mode
    }

    /// The process that serves the API.
    #[must_use]
    pub const fn ingress(&self) -> &Dossier {
        &self.ingress
    }

    /// The processes that run jobs: in the embedded mode, the ingress itself.
    #[must_use]
    pub fn workers(&self) -> Vec<&Dossier> {
        if self.workers.is_empty() {
            vec![&self.ingress]
        } else {
            self.workers.iter().collect()
        }
    }

    /// The private Redis server of this service; none in the embedded mode.
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

    /// The disk on the first of its folders with a small disk.
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

    /// An unauthenticated client.
    #[must_use]
    pub fn nobody(&self) -> Client {
        Client::new(&self.ingress.api(), None)
    }

    /// A client with the given token.
    #[must_use]
    pub fn bearer(&self, token: &str) -> Client {
        Client::new(&self.ingress.api(), Some(token))
    }

    /// The first admin.
    #[must_use]
    pub fn admin(&self) -> Client {
        self.bearer(ADMIN_KEY)
    }

    /// Creates a user with the default quota.
    pub async fn user(&self, name: &str) -> Client {
        self.user_with(serde_json::json!({"name": name})).await
    }

    /// Creates a user as described, with their own key.
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

    /// The ledger, for tests that read or change it behind the service.
    pub async fn database(&self) -> ledger::Database {
        Ledger::open(self.mode, self.folder.path(), &self.variables)
            .await
            .into_database()
    }

    /// The number of pending documents in the database.
    pub async fn pending_documents(&self) -> i64 {
        let ledger = Ledger::open(self.mode, self.folder.path(), &self.variables).await;
        ledger.pending_documents().await
    }

    /// Waits until staging is empty, including uploads in progress. On S3 those are no objects, but
    /// `ends_clean` checks them.
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

    /// Waits until no job is left and no bytes wait for removal, then asserts the invariants of
    /// database and storage.
    pub async fn ends_clean(&self) {
        self.ends_whole(0).await;
    }

    /// The same, if so many uploads were cut off in ways that leave staged bytes without a row for
    /// the cleanup.
    pub async fn ends_whole(&self, most_leftovers: usize) {
        let ledger = Ledger::open(self.mode, self.folder.path(), &self.variables).await;
        ledger.run_dry().await;
        ledger.check_counters().await;
        let places = self.places().await;
        ledger.check_bytes(&places, most_leftovers).await;
    }

    /// The text results of a query, for messages of failed tests.
    pub async fn texts(&self, sql: &str) -> Vec<String> {
        let ledger = Ledger::open(self.mode, self.folder.path(), &self.variables).await;
        ledger.texts(sql).await.into_iter().collect()
    }

    /// The number that a query returns.
    pub async fn number(&self, sql: &str) -> i64 {
        let ledger = Ledger::open(self.mode, self.folder.path(), &self.variables).await;
        ledger.number(sql).await
    }

    /// Changes rows behind the service's back, and returns how many.
    pub async fn tampers(&self, sql: &str) -> u64 {
        let ledger = Ledger::open(self.mode, self.folder.path(), &self.variables).await;
        ledger.tamper(sql).await
    }
}
