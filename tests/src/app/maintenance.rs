//! Actions of cleanup and audit tests on a service: maintenance jobs, commands beside it, and
//! damage to its ledger and bytes.

use std::sync::Arc;
use std::time::Duration;

use domain::{Clock, SystemClock, UserId};
use ledger::{NewJob, enqueue};
use queue::JobKind;
use storage::{Environment, Storage, StorageRouter, StorageUrl};
use url::Url;
use uuid::Uuid;

use super::{Mode, TestApp};
use crate::poll::wait_until;
use crate::servers::program;

/// How long a job may take.
const PATIENCE: Duration = Duration::from_secs(90);

/// The result of a command.
#[derive(Debug)]
pub struct Ended {
    /// Its exit code.
    pub code: i32,
    /// Its output.
    pub printed: String,
}

impl TestApp {
    /// The places of the service.
    pub async fn places(&self) -> StorageRouter {
        let named = |name: &str| {
            let found = self.variables().iter().rev().find(|(one, _)| one == name);
            found.map(|(_, value)| value.as_str())
        };
        let environment = Environment::only(self.variables().clone());
        let connect = async |url: StorageUrl| {
            let connected = url.connect_in(&environment).await;
            connected.expect("the harness names places that are there")
        };
        let folder = |name| {
            let path = self.folder().join("data").join(name);
            StorageUrl::from_directory(&path).expect("a folder has a URL")
        };
        let store = named("DOSSIER_STORAGE_URL").map(|url| url.parse().expect("a URL"));
        let store = store.unwrap_or_else(|| folder("storage"));
        let both = connect(store.clone()).await;
        let places = if store.is_object_store() {
            StorageRouter::new(Arc::clone(&both), both)
        } else {
            StorageRouter::new(connect(folder("staging")).await, both)
        };
        let mut more = Vec::new();
        for url in named("DOSSIER_MORE_STORAGE_URLS")
            .unwrap_or_default()
            .split(' ')
        {
            if !url.is_empty() {
                more.push(connect(url.parse().expect("a URL")).await);
            }
        }
        places.with_more(more)
    }

    /// Restarts the one process of the embedded mode with further settings.
    pub async fn changes(&mut self, settings: &[(&str, &str)]) {
        self.ingress.terminate().await;
        self.adopt(settings);
        self.ingress.restart_with(settings).await;
    }

    /// The same, with settings with which it lives and isn't ready.
    pub async fn changes_unready(&mut self, settings: &[(&str, &str)]) {
        self.ingress.terminate().await;
        self.adopt(settings);
        self.ingress.begins_again_with(settings).await;
        let nobody = self.nobody();
        wait_until(PATIENCE, "it lives", async || {
            let live = nobody.request(reqwest::Method::GET, "/health/live");
            nobody.try_send(live).await.is_ok()
        })
        .await;
    }

    fn adopt(&mut self, settings: &[(&str, &str)]) {
        let settings = settings.iter();
        let settings = settings.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        self.variables.extend(settings);
    }

    /// Removes bytes behind the service's back, without the check of the mark.
    pub async fn loses(&self, url: &Url) {
        let places = self.places().await;
        let holds =
            |storage: &&Arc<dyn Storage>| url.as_str().starts_with(storage.place().as_str());
        let storage = places.distinct().find(holds).expect("a place holds it");
        storage.delete(url).await.expect("storage removes it");
    }

    /// Enqueues a scheduled job now, and waits until it is done.
    pub async fn works_off(&self, kind: JobKind) {
        self.works_off_all(&[kind]).await;
    }

    /// Enqueues jobs now, to run in any order and concurrently, and waits until they are done.
    pub async fn works_off_all(&self, kinds: &[JobKind]) {
        let now = SystemClock.now();
        // Their own owner, which distinguishes them from others.
        let owner = Uuid::new_v4();
        let job = |kind: &JobKind| NewJob::without_subject(*kind, UserId(owner), now);
        let jobs: Vec<_> = kinds.iter().map(job).collect();
        let db = self.database().await;
        enqueue(db.writer(), &jobs, now)
            .await
            .expect("jobs can be enqueued");
        db.close().await.expect("the database closes");
        let owner = match self.mode() {
            Mode::Embedded => format!("unhex('{}')", owner.simple()),
            Mode::Distributed => format!("'{owner}'"),
        };
        let open =
            format!("SELECT count(*) FROM jobs WHERE owner_id = {owner} AND state <> 'done'");
        let done = async || self.number(&open).await == 0;
        wait_until(PATIENCE, &format!("{kinds:?} are done"), done).await;
    }

    /// Runs a command of the binary with the service's settings.
    pub async fn command(&self, arguments: &[&str]) -> Ended {
        let mut command = tokio::process::Command::new(program());
        command.args(arguments).kill_on_drop(true);
        command.envs(self.variables().iter().cloned());
        let output = command.output().await.expect("the binary runs");
        Ended {
            code: output.status.code().unwrap_or(-1),
            printed: String::from_utf8_lossy(&output.stdout).into_owned(),
        }
    }
}
