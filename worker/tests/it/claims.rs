//! Claims under load and in trouble, and jobs that nobody asked for.

use std::sync::Arc;
use std::time::Duration;

use domain::{Clock, Status, Timestamp, UserId};
use ledger::NewJob;
use queue::{Feed, InProcessFeed, JobKind, Queue};
use sea_orm::ConnectionTrait;
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;
use uuid::Uuid;

use worker::WorkerRole;

use crate::service::{LEASE, PATIENCE, Service, wait_for};
use crate::trap::{Spring, Trap, Word};

#[tokio::test(flavor = "multi_thread")]
async fn two_workers_share_many_jobs_and_do_each_once() {
    let service = Service::start().await;
    let mut documents = Vec::new();
    for _ in 0..200 {
        documents.push(service.accepts("note.txt", b"a note").await);
    }
    let other = Service::works(service.role());
    service.settles(&documents).await;
    other.stop().await;
    for document in documents {
        assert_eq!(
            service.document(document).await.lifecycle.status(),
            Status::Active
        );
    }
    let again = "SELECT count(*) FROM jobs WHERE kind = 'process_version' AND (attempts <> 1 OR state <> 'done')";
    assert_eq!(service.number(again).await, 0);
    assert_eq!(service.number("SELECT refs FROM blobs").await, 200);
    assert_eq!((service.staged().await, service.stored().await), (0, 1));
}

#[tokio::test]
async fn a_worker_claims_nothing_while_nothing_is_due() {
    let mut service = Service::start().await;
    let (seen, mut statements) = mpsc::unbounded_channel();
    service.db.observe(move |sql, _| {
        let _ = seen.send(sql.to_owned());
    });
    let role = WorkerRole {
        queues: vec![Queue::Ingest, Queue::Bulk],
        // It hears of nothing.
        feed: Arc::new(InProcessFeed::default()),
        ..service.role()
    };
    let working = Service::works(role);
    let (mut polls, mut claims) = (0, 0);
    while polls < 3 {
        let statement = statements.recv().await.unwrap();
        polls += usize::from(statement.starts_with("SELECT 'ingest' AS queue"));
        claims += usize::from(statement.contains("UPDATE jobs SET state = 'running'"));
    }
    assert_eq!(claims, 2, "each queue claims once at the start");
    let document = service.accepts("note.txt", b"a note").await;
    while service.document(document).await.lifecycle.status() != Status::Active {
        let statement = timeout(PATIENCE, statements.recv()).await;
        statement.expect("it is polled for").unwrap();
    }
    working.stop().await;
}

#[tokio::test]
async fn discarded_bytes_are_removed_by_a_scheduled_job() {
    let service = Service::start().await;
    let document = service.accepts("left.txt", b"left over").await;
    service.settles(&[document]).await;
    // Bytes that somebody let go of without removing them: their key has the form of all keys.
    let sql = "INSERT INTO discards (url, at) \
        SELECT replace(storage_url, substr(storage_url, -36, 8), '00000000'), 0 FROM blobs";
    service.db.writer().execute_unprepared(sql).await.unwrap();
    let working = Service::works(service.role());
    while service.number("SELECT count(*) FROM discards").await > 0 {
        tokio::task::yield_now().await;
    }
    working.stop().await;
    let done = "SELECT count(*) FROM jobs WHERE kind = 'remove_discarded' AND state = 'done'";
    assert_eq!(service.number(done).await, 1);
}

#[tokio::test]
async fn owners_whose_jobs_are_not_due_hide_no_other_owner() {
    let service = Service::start().await;
    let now = service.clock.now();
    let job = |owner: u128, run_at| NewJob {
        run_at,
        ..NewJob::without_subject(
            JobKind::RemoveDiscarded,
            UserId(Uuid::from_u128(owner)),
            now,
        )
    };
    let mut jobs: Vec<_> = (1..=100).map(|owner| job(owner, now.plus(LEASE))).collect();
    jobs.push(job(101, now));
    ledger::enqueue(service.db.writer(), &jobs, now)
        .await
        .unwrap();
    let claimed = service.claims_of(Queue::Maintenance).await;
    assert_eq!(claimed.len(), 1);
    assert_eq!(claimed[0].owner, UserId(Uuid::from_u128(101)));
}

#[tokio::test]
async fn one_owner_never_has_all_slots() {
    let service = Service::start().await;
    for _ in 0..10 {
        service.accepts("many.txt", b"many").await;
    }
    let (tell, mut words) = mpsc::unbounded_channel();
    let mut role = service.role();
    role.queues = vec![Queue::Ingest];
    role.grace = Duration::from_millis(10);
    role.places = service.places_with(|inner| Trap {
        inner,
        spring: Spring::Hold,
        tell,
    });
    let working = Service::works(role);
    let mut hears = async || timeout(PATIENCE, words.recv()).await.expect("a word");
    for _ in 0..3 {
        assert_eq!(hears().await, Some(Word::Entered));
    }
    let other = UserId::new(service.clock.now());
    service.add_user(other).await;
    service.accepts_of(other, "one.txt", b"one").await;
    assert_eq!(hears().await, Some(Word::Entered));
    let running = "SELECT count(*) FROM jobs WHERE state = 'running' AND (SELECT count(*) FROM versions \
        WHERE versions.id = jobs.subject_id AND versions.name = 'one.txt') =";
    assert_eq!(service.number(&format!("{running} 0")).await, 3);
    assert_eq!(service.number(&format!("{running} 1")).await, 1);
    working.stop().await;
}

/// A clock that counts the looks at it.
#[derive(Debug)]
struct WatchedClock(watch::Sender<usize>, Timestamp);

impl Clock for WatchedClock {
    fn now(&self) -> Timestamp {
        self.0.send_modify(|looks| *looks += 1);
        self.1
    }
}

#[tokio::test]
async fn a_worker_outlives_a_ledger_that_fails() {
    let service = Service::start().await;
    let document = service.accepts("patient.txt", b"patience").await;
    let sql = "ALTER TABLE jobs RENAME TO hidden";
    service.db.writer().execute_unprepared(sql).await.unwrap();
    let (looks, mut looked) = watch::channel(0);
    let mut role = service.role();
    role.queues = vec![Queue::Ingest];
    role.clock = Arc::new(WatchedClock(looks, service.clock.now()));
    let settled = service.feed.settled().await;
    let working = Service::works(role);
    // The first look is for its name; each claim needs one.
    looked.wait_for(|looks| *looks > 3).await.unwrap();
    let sql = "ALTER TABLE hidden RENAME TO jobs";
    service.db.writer().execute_unprepared(sql).await.unwrap();
    wait_for(settled, &[document]).await;
    working.stop().await;
    let status = service.document(document).await.lifecycle.status();
    assert_eq!(status, Status::Active);
}
