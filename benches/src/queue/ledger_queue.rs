//! Dossier's queue as a program: enqueues jobs in the ledger, claims them and settles them as done,
//! as the worker does. See [`super::program`] for what it says and when.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use domain::{Clock, JobId, SystemClock, UserId};
use ledger::{
    ClaimRequest, ClaimedJob, Database, DbError, GroupCommit, GroupWriter, NewJob, Outcome,
    OwnerShare, Settled, Settlement, claim_within, enqueue, settle,
};
use queue::{JobKind, Queue};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};
use uuid::Uuid;

/// The jobs' owners.
const OWNERS: u128 = 100;

/// The most outcomes of a transaction, the duration of a claim, and how long a busy worker waits for
/// more free slots: as in the worker while jobs wait.
const GROUP: usize = 256;
const LEASE: Duration = Duration::from_secs(20);
const GATHERING: Duration = Duration::from_millis(10);

/// How long a worker that finds nothing waits until the others have settled the rest.
const PAUSE: Duration = Duration::from_millis(5);

/// Runs to the end. The settings are in the environment, as they are for the peers.
pub async fn run() {
    let jobs = number("QUEUE_JOBS");
    let url = std::env::var("QUEUE_URL").unwrap_or_default();
    let url = url.parse().expect("the URL of a database");
    let db = Database::connect(&url, 16).await;
    let db = db.expect("the database answers");
    let migrated = migrations::up(db.writer()).await;
    migrated.expect("the schema can be made");
    println!("ready");
    go_on().await;
    enqueue_all(&db, jobs, number("QUEUE_BATCH")).await;
    println!("enqueued");
    go_on().await;
    let left = Arc::new(AtomicUsize::new(jobs));
    let workers = (0..number("QUEUE_CLAIMERS")).map(|number| {
        let worker = Worker::new(&db, number, &left);
        tokio::spawn(worker.run())
    });
    for ended in futures::future::join_all(workers).await {
        ended.expect("no worker panics");
    }
    println!("processed");
    go_on().await;
}

fn number(name: &str) -> usize {
    let text = std::env::var(name).unwrap_or_default();
    text.parse().expect("a number")
}

/// Waits for a line, or the end.
async fn go_on() {
    let line = tokio::task::spawn_blocking(|| std::io::stdin().read_line(&mut String::new()));
    let read = line.await.expect("reading a line doesn't panic");
    read.expect("the input is text");
}

async fn enqueue_all(db: &Database, jobs: usize, batch: usize) {
    let owners: Vec<_> = (1..=OWNERS).map(Uuid::from_u128).map(UserId).collect();
    let numbers: Vec<_> = (0..jobs).collect();
    for batch in numbers.chunks(batch) {
        let now = SystemClock.now();
        let job = |number: &usize| NewJob {
            id: JobId::new(now),
            kind: JobKind::ProcessVersion,
            subject: Some(Uuid::from_u128(*number as u128)),
            owner: owners[number % owners.len()],
            dedupe_key: None,
            run_at: now,
            traceparent: None,
        };
        let jobs: Vec<_> = batch.iter().map(job).collect();
        let enqueued = enqueue(db.writer(), &jobs, now).await;
        enqueued.expect("jobs can be enqueued");
    }
}

/// What one worker of a queue needs: its slots, and its group commit.
struct Worker {
    db: Database,
    name: String,
    slots: Arc<Semaphore>,
    concurrency: usize,
    committer: GroupCommit<Outcomes>,
    /// The jobs that aren't settled.
    left: Arc<AtomicUsize>,
}

impl Worker {
    fn new(db: &Database, number: usize, left: &Arc<AtomicUsize>) -> Self {
        let concurrency = self::number("QUEUE_CLAIM");
        let outcomes = Outcomes {
            db: db.clone(),
            left: Arc::clone(left),
        };
        Self {
            db: db.clone(),
            name: format!("worker {number}"),
            slots: Arc::new(Semaphore::new(concurrency)),
            concurrency,
            committer: GroupCommit::start(outcomes, GROUP),
            left: Arc::clone(left),
        }
    }

    /// Claims jobs until all are settled.
    async fn run(self) {
        let most = self.concurrency - (self.concurrency / 8).max(1);
        let half = u32::try_from(self.concurrency.div_ceil(2)).expect("few slots");
        let mut after = UserId(Uuid::nil());
        while self.left.load(Ordering::Relaxed) > 0 {
            // The semaphore is never closed.
            drop(self.slots.acquire().await);
            let _ = timeout(GATHERING, self.slots.acquire_many(half)).await;
            let limit = self.slots.available_permits();
            let request = ClaimRequest {
                queue: Queue::Ingest,
                worker: &self.name,
                limit,
                lease: LEASE,
                after,
                now: SystemClock.now(),
            };
            let share = OwnerShare {
                most: most.max(1),
                held: Vec::new(),
            };
            let claimed = claim_within(&self.db, &request, &[JobKind::ProcessVersion], &share);
            let claimed = claimed.await.expect("jobs can be claimed");
            let last = claimed.iter().map(|job| job.owner).max();
            if claimed.is_empty() {
                sleep(PAUSE).await;
            }
            let is_full = claimed.len() == limit;
            after = last.filter(|_| is_full).unwrap_or(UserId(Uuid::nil()));
            for job in &claimed {
                self.work_on(job);
            }
        }
    }

    /// Does nothing but settle the job.
    fn work_on(&self, claimed: &ClaimedJob) {
        let slot = Arc::clone(&self.slots).try_acquire_owned();
        let slot = slot.expect("no more was claimed than there are slots");
        let settlement = Settlement {
            job: claimed.job,
            work: None,
            attempt: claimed.attempt,
            worker: self.name.clone(),
            started_at: SystemClock.now(),
            steps: Vec::new(),
            outcome: Outcome::Done,
        };
        let committer = self.committer.clone();
        tokio::spawn(async move {
            let settled = committer.submit(settlement).await;
            let is_committed = matches!(settled, Ok(Settled::Committed { .. }));
            assert!(is_committed, "{settled:?}");
            drop(slot);
        });
    }
}

/// Commits outcomes.
struct Outcomes {
    db: Database,
    left: Arc<AtomicUsize>,
}

impl GroupWriter for Outcomes {
    type Item = Settlement;
    type Answer = Settled;

    async fn write(&self, items: &[Settlement]) -> Result<Vec<Settled>, DbError> {
        let settled = settle(&self.db, items, SystemClock.now()).await?;
        self.left.fetch_sub(items.len(), Ordering::Relaxed);
        Ok(settled)
    }
}
