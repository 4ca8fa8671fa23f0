//! Actions of cleanup and audit tests on a service: maintenance jobs, commands beside it, and
//! damage to its ledger and bytes.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_s3::config::Credentials;
use domain::{Clock, SystemClock, UserId};
use ledger::{NewJob, enqueue};
use queue::JobKind;
use storage::{Storage, StorageRouter, StorageUrl};
use url::Url;
use uuid::Uuid;

use super::{Mode, TestApp};
use crate::poll::wait_until;
use crate::servers::{S3, program};

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
        if self.mode() == Mode::Embedded {
            let place = |name| StorageUrl::from_directory(&self.folder().join("data").join(name));
            let [staging, store] =
                ["staging", "storage"].map(|name| place(name).expect("a folder has a URL"));
            return StorageRouter::connect(&staging, &store)
                .await
                .expect("folders can be made");
        }
        let url = self
            .variables()
            .iter()
            .find(|(name, _)| name == "DOSSIER_STORAGE_URL");
        let url: StorageUrl = url.expect("this mode has S3").1.parse().expect("a URL");
        let [(_, key), (_, secret)] = S3::shared().await.environment();
        let credentials = Credentials::new(key, secret, None, None, "tests");
        let both = url.connect_as(Some(credentials)).await.expect("a client");
        StorageRouter::new(Arc::clone(&both), both)
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
