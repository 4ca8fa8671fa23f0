//! The audit over many objects: its duration and memory.

use std::path::Path;
use std::time::{Duration, Instant};

use tests::app::{Mode, TestApp};
use tests::seed_documents::seed_objects;
use tokio::process::Command;
use tokio::time::sleep;

/// The interval between readings of the audit's memory.
const LOOK: Duration = Duration::from_millis(20);

/// What is audited.
#[derive(clap::Args, Clone, Debug)]
pub struct Options {
    /// The numbers of objects, in ascending order
    #[arg(long, value_delimiter = ',', default_value = "10000,100000,1000000")]
    pub counts: Vec<u32>,
}

/// Audits an embedded service with each of these numbers of objects.
pub async fn run(counts: &[u32]) {
    let settings = [("DOSSIER_LOG", "warn"), ("DOSSIER_QUEUES", "ingest")];
    let app = TestApp::builder(Mode::Embedded)
        .settings(&settings)
        .start()
        .await;
    let alice = app.user("alice").await;
    let owner = alice.user.as_deref().expect("a user has an id");
    let store = app.folder().join("data/storage");
    let db = app.database().await;
    let mut there = 0;
    for &count in counts {
        seed_objects(&db, owner.parse().expect("an id"), &store, there..count).await;
        there = count;
        let begin = Instant::now();
        let peak = audit(&app).await;
        let seconds = begin.elapsed().as_secs_f64();
        println!(
            "audit of {count} objects: {seconds:.1} s, {:.0} objects/s, resident memory {} MiB at the peak",
            f64::from(count) / seconds,
            peak >> 10,
        );
    }
    db.close().await.expect("the database is let go of");
}

/// The peak memory of the audit, in KiB. Asserts that it has no findings.
async fn audit(app: &TestApp) -> u64 {
    let mut command = Command::new(tests::servers::program());
    command.arg("audit").kill_on_drop(true);
    command.envs(app.variables().iter().cloned());
    let mut process = command.spawn().expect("the binary runs");
    let status = format!("/proc/{}/status", process.id().unwrap_or_default());
    let mut peak = 0;
    loop {
        peak = peak.max(high_water(Path::new(&status)));
        if let Some(ended) = process.try_wait().expect("a child can be asked") {
            assert!(ended.success(), "the audit found something: {ended}");
            return peak;
        }
        sleep(LOOK).await;
    }
}

fn high_water(status: &Path) -> u64 {
    let text = std::fs::read_to_string(status).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.and_then(|rest| rest.split_whitespace().next());
    number
        .and_then(|number| number.parse().ok())
        .unwrap_or_default()
}
