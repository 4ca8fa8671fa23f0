//! The faults: each knows what it breaks, and that all is whole again when it returns.

use std::time::Duration;

use tests::app::{Backend, Mode, TestApp};
use tests::dice::Dice;
use tests::servers::{Disturbance, Flow};
use tokio::time::sleep;

/// How long a lease is under faults: short enough to see it end.
const LEASE: (&str, &str) = ("DOSSIER_LEASE", "2s");
const PAST_THE_LEASE: Duration = Duration::from_secs(3);

/// Something that is broken on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Workers die by SIGKILL at any moment.
    WorkersKilled,
    /// The ingress dies by SIGKILL under load.
    IngressKilled,
    /// The one process of the embedded mode dies by SIGKILL.
    AllKilled,
    /// A worker stands still until its lease is over, and then goes on.
    WorkerStopped,
    /// The one process of the embedded mode does.
    AllStopped,
    /// Redis forgets everything.
    RedisFlushed,
    /// Redis dies and comes back empty.
    RedisRestarted,
    /// Redis answers nothing for five seconds.
    RedisStalled,
    /// Connections to Redis are cut at any byte.
    RedisCut,
    /// The database dies by SIGKILL and comes back.
    DatabaseKilled,
    /// The database answers nothing for some seconds.
    DatabaseStalled,
    /// Connections to the database are cut at any message, commits among them.
    DatabaseCut,
    /// Storage answers 503 to a third of its calls.
    StorageRefuses(Backend),
    /// Storage resets connections at a third of its calls, before and after they took effect.
    StorageResets(Backend),
    /// Storage can't be reached.
    StorageAway(Backend),
    /// There is no room for staged bytes.
    StagingFull,
    /// There is no room where documents are kept.
    StoreFull,
    /// There is no room for the database.
    DatabaseFull,
}

impl Fault {
    pub const ALL: [Self; 24] = [
        Self::WorkersKilled,
        Self::IngressKilled,
        Self::AllKilled,
        Self::WorkerStopped,
        Self::AllStopped,
        Self::RedisFlushed,
        Self::RedisRestarted,
        Self::RedisStalled,
        Self::RedisCut,
        Self::DatabaseKilled,
        Self::DatabaseStalled,
        Self::DatabaseCut,
        Self::StorageRefuses(Backend::S3),
        Self::StorageRefuses(Backend::Azure),
        Self::StorageRefuses(Backend::Gcs),
        Self::StorageResets(Backend::S3),
        Self::StorageResets(Backend::Azure),
        Self::StorageResets(Backend::Gcs),
        Self::StorageAway(Backend::S3),
        Self::StorageAway(Backend::Azure),
        Self::StorageAway(Backend::Gcs),
        Self::StagingFull,
        Self::StoreFull,
        Self::DatabaseFull,
    ];

    /// What it is called in the table.
    pub const fn name(self) -> &'static str {
        match self {
            Self::WorkersKilled => "workers: SIGKILL",
            Self::IngressKilled => "ingress: SIGKILL",
            Self::AllKilled => "serve (embedded): SIGKILL",
            Self::WorkerStopped => "worker: SIGSTOP past its lease",
            Self::AllStopped => "serve (embedded): SIGSTOP past its lease",
            Self::RedisFlushed => "Redis: FLUSHALL",
            Self::RedisRestarted => "Redis: restart, empty",
            Self::RedisStalled => "Redis: stall of 5 s",
            Self::RedisCut => "Redis: connections cut",
            Self::DatabaseKilled => "PostgreSQL: SIGKILL, restart",
            Self::DatabaseStalled => "PostgreSQL: stall of 4 s",
            Self::DatabaseCut => "PostgreSQL: connections cut",
            Self::StorageRefuses(Backend::S3) => "S3: 503 for a third",
            Self::StorageRefuses(Backend::Azure) => "Azure: 503 for a third",
            Self::StorageRefuses(Backend::Gcs) => "GCS: 503 for a third",
            Self::StorageResets(Backend::S3) => "S3: resets for a third",
            Self::StorageResets(Backend::Azure) => "Azure: resets for a third",
            Self::StorageResets(Backend::Gcs) => "GCS: resets for a third",
            Self::StorageAway(Backend::S3) => "S3: away for 4 s",
            Self::StorageAway(Backend::Azure) => "Azure: away for 4 s",
            Self::StorageAway(Backend::Gcs) => "GCS: away for 4 s",
            Self::StagingFull => "staging (embedded): disk full",
            Self::StoreFull => "store (embedded): disk full",
            Self::DatabaseFull => "SQLite: disk full",
        }
    }

    /// Starts a service that can suffer it.
    pub async fn app(self) -> TestApp {
        match self {
            Self::AllKilled | Self::AllStopped => {
                TestApp::builder(Mode::Embedded)
                    .settings(&[LEASE])
                    .start()
                    .await
            }
            Self::WorkersKilled
            | Self::IngressKilled
            | Self::WorkerStopped
            | Self::RedisFlushed
            | Self::RedisRestarted
            | Self::RedisStalled => {
                TestApp::builder(Mode::Distributed)
                    .settings(&[LEASE])
                    .start()
                    .await
            }
            Self::StagingFull => {
                TestApp::builder(Mode::Embedded)
                    .small_disks(&["staging"])
                    .settings(&[LEASE])
                    .start()
                    .await
            }
            Self::StoreFull => {
                TestApp::builder(Mode::Embedded)
                    .small_disks(&["storage"])
                    .settings(&[LEASE])
                    .start()
                    .await
            }
            Self::DatabaseFull => {
                TestApp::builder(Mode::Embedded)
                    .small_disks(&["", "staging", "storage"])
                    .settings(&[LEASE])
                    .start()
                    .await
            }
            _ => {
                Box::pin(
                    TestApp::builder(Mode::Distributed)
                        .backend(self.backend())
                        .breakable()
                        .settings(&[LEASE])
                        .start(),
                )
                .await
            }
        }
    }

    const fn backend(self) -> Backend {
        match self {
            Self::StorageRefuses(backend)
            | Self::StorageResets(backend)
            | Self::StorageAway(backend) => backend,
            _ => Backend::S3,
        }
    }

    /// Breaks it, and mends it.
    pub async fn strike(self, app: &TestApp, dice: &mut Dice) {
        match self {
            Self::WorkersKilled => {
                for _ in 0..4 {
                    pause(dice, 20, 300).await;
                    let worker = app.workers()[usize::from(dice.below(2) == 1)];
                    worker.kill().await;
                    pause(dice, 0, 200).await;
                    worker.restart().await;
                }
            }
            Self::IngressKilled | Self::AllKilled => {
                for _ in 0..3 {
                    pause(dice, 20, 500).await;
                    app.ingress().kill().await;
                    pause(dice, 0, 100).await;
                    app.ingress().restart().await;
                }
            }
            Self::WorkerStopped | Self::AllStopped => stop_past_the_lease(app, dice).await,
            Self::RedisFlushed => {
                for _ in 0..8 {
                    pause(dice, 10, 200).await;
                    app.redis().unwrap().flush().await;
                }
            }
            Self::RedisRestarted => {
                let redis = app.redis().unwrap();
                for _ in 0..3 {
                    pause(dice, 20, 300).await;
                    redis.stop().await;
                    pause(dice, 0, 800).await;
                    redis.start().await;
                }
            }
            Self::RedisStalled => {
                pause(dice, 50, 200).await;
                let redis = app.redis().unwrap();
                redis.pause();
                // How long it stands still is the fault.
                sleep(Duration::from_secs(5)).await;
                redis.resume();
            }
            Self::RedisCut => cut(&app.breakable().queue, dice, 20).await,
            Self::DatabaseKilled => {
                for wait in [300, 2_000] {
                    pause(dice, 50, 500).await;
                    app.breakable().postgres.kill().await;
                    pause(dice, 0, wait).await;
                    app.breakable().postgres.start().await;
                }
            }
            Self::DatabaseStalled => {
                pause(dice, 50, 300).await;
                stall(&app.breakable().database, Duration::from_secs(4)).await;
            }
            Self::DatabaseCut => cut(&app.breakable().database, dice, 60).await,
            Self::StorageRefuses(_) => disturb(app, Disturbance::Refusals).await,
            Self::StorageResets(_) => disturb(app, Disturbance::Resets).await,
            Self::StorageAway(_) => {
                pause(dice, 50, 300).await;
                app.breakable().storage.set(Flow::Shut);
                // How long it is away is the fault.
                sleep(Duration::from_secs(4)).await;
                app.breakable().storage.set(Flow::Open);
            }
            Self::StagingFull | Self::StoreFull | Self::DatabaseFull => {
                for _ in 0..2 {
                    pause(dice, 50, 500).await;
                    app.disk().is_full_for(Duration::from_secs(2)).await;
                }
            }
        }
    }
}

/// The dice choose the moment of a fault.
async fn pause(dice: &mut Dice, least: u64, most: u64) {
    sleep(Duration::from_millis(dice.between(least, most))).await;
}

/// Stops a process that has claimed jobs, until others may claim them.
async fn stop_past_the_lease(app: &TestApp, dice: &mut Dice) {
    let holds_jobs = |pid: u32| {
        format!("SELECT count(*) FROM jobs WHERE state = 'running' AND worker LIKE '%-{pid}-%'")
    };
    for _ in 0..100 {
        pause(dice, 5, 50).await;
        let workers = app.workers();
        let worker = workers[usize::try_from(dice.any()).unwrap_or(0) % workers.len()];
        worker.pause();
        if app.number(&holds_jobs(worker.pid())).await == 0 {
            worker.resume();
            continue;
        }
        // It knows nothing of the time that passes.
        sleep(PAST_THE_LEASE).await;
        worker.resume();
        return;
    }
    panic!("no worker was caught with a job");
}

/// Cuts connections in the middle of a message, or lets one go when nobody speaks.
async fn cut(gate: &tests::servers::Gate, dice: &mut Dice, times: u32) {
    for _ in 0..times {
        gate.cut_after(u32::try_from(dice.below(40)).unwrap_or(0));
        let mut waited = 0;
        while !gate.has_cut() && waited < 100 {
            sleep(Duration::from_millis(5)).await;
            waited += 1;
        }
        pause(dice, 0, 60).await;
    }
}

/// For so long nothing comes through.
async fn stall(gate: &tests::servers::Gate, time: Duration) {
    gate.set(Flow::Stalled);
    sleep(time).await;
    gate.set(Flow::Open);
}

/// For three seconds a part of the requests fails.
async fn disturb(app: &TestApp, disturbance: Disturbance) {
    let storage = &app.breakable().storage;
    storage.disturb(disturbance);
    sleep(Duration::from_secs(3)).await;
    storage.disturb(Disturbance::None);
}
