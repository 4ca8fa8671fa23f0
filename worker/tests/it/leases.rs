//! Who may settle a job, and what becomes of jobs whose worker goes away.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use domain::{Clock, ErrorCode, Status, Timestamp};
use ledger::{Outcome, Settled, Settlement};
use queue::{Feed, JobKind, Queue};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::service::{LEASE, PATIENCE, Service, wait_for};
use crate::trap::{Spring, Trap, Word};

async fn hears(words: &mut mpsc::UnboundedReceiver<Word>, word: Word) {
    let heard = timeout(PATIENCE, words.recv()).await.expect("a word");
    assert_eq!(heard, Some(word));
}

#[tokio::test]
async fn a_worker_that_lost_its_lease_changes_nothing() {
    let service = Service::start().await;
    let document = service.accepts("twice.txt", b"twice").await;
    let late = service.claims().await.remove(0);
    let versions = [domain::VersionId(late.subject.unwrap())];
    let work = ledger::load_pending(&service.db, &versions, &service.limits)
        .await
        .unwrap();
    service.clock.advance(LEASE);
    service.settles(&[document]).await;
    let before = service.document(document).await;
    assert_eq!(before.lifecycle.status(), Status::Active);

    let settlement = Settlement {
        job: late.job,
        work: work.into_iter().next(),
        attempt: 1,
        worker: "another".to_owned(),
        started_at: service.clock.now(),
        steps: vec![],
        outcome: Outcome::Failed {
            failure: ErrorCode::Internal.into(),
            gave_up: None,
            leftovers: vec![],
        },
    };
    let settled = ledger::settle(&service.db, &[settlement], service.clock.now())
        .await
        .unwrap();
    assert_eq!(settled, [Settled::LeaseLost]);
    assert_eq!(service.document(document).await, before);
    assert_eq!(service.stored().await, 1);
}

#[tokio::test]
async fn a_job_that_was_begun_too_often_is_given_up_without_a_further_attempt() {
    let service = Service::start().await;
    let document = service.accepts("deadly.txt", b"deadly").await;
    for _ in 0..JobKind::ProcessVersion.max_attempts() {
        assert_eq!(service.claims().await.len(), 1);
        service.clock.advance(LEASE);
    }
    let (tell, mut words) = mpsc::unbounded_channel();
    let mut role = service.role();
    role.places = service.places_with(|inner| Trap {
        inner,
        spring: Spring::Panic,
        tell,
    });
    let settled = service.feed.settled().await;
    let working = Service::works(role);
    wait_for(settled, &[document]).await;
    working.stop().await;
    assert_eq!(
        service.document(document).await.lifecycle.status(),
        Status::Error
    );
    assert_eq!(words.try_recv().ok(), None);
}

#[tokio::test]
async fn jobs_that_may_have_killed_their_worker_are_begun_one_at_a_time() {
    let service = Service::start().await;
    let mut documents = Vec::new();
    for name in ["one.txt", "two.txt", "three.txt"] {
        documents.push(service.accepts(name, b"suspect").await);
    }
    // A worker begins all of them, and is never heard of again.
    assert_eq!(service.claims().await.len(), 3);
    service.clock.advance(LEASE);
    let (tell, mut words) = mpsc::unbounded_channel();
    let mut role = service.role();
    role.grace = Duration::from_millis(10);
    role.places = service.places_with(|inner| Trap {
        inner,
        spring: Spring::Hold,
        tell,
    });
    let working = Service::works(role);
    hears(&mut words, Word::Entered).await;
    // The others come back at once, and that they were claimed doesn't count.
    let back = "SELECT count(*) FROM jobs WHERE state = 'ready' AND attempts = 1";
    while service.number(back).await < 2 {
        tokio::task::yield_now().await;
    }
    working.stop().await;
    let entered = std::iter::from_fn(|| words.try_recv().ok());
    assert_eq!(entered.filter(|word| *word == Word::Entered).count(), 0);
    service.settles(&documents).await;
    let begun = "SELECT count(*) FROM jobs WHERE kind = 'process_version' AND (attempts, state) <> (2, 'done')";
    assert_eq!(service.number(begun).await, 0);
}

#[tokio::test]
async fn a_job_whose_lease_was_lost_is_cancelled() {
    let service = Service::start().await;
    service.accepts("stolen.txt", b"stolen").await;
    let (tell, mut words) = mpsc::unbounded_channel();
    let mut role = service.role();
    role.lease = Duration::from_millis(300);
    role.concurrency = 1;
    role.places = service.places_with(|inner| Trap {
        inner,
        spring: Spring::Hold,
        tell,
    });
    let working = Service::works(role);
    hears(&mut words, Word::Entered).await;
    // A renewal may come between turning the clock and claiming.
    loop {
        service.clock.advance(LEASE);
        if service.claims().await.len() == 1 {
            break;
        }
    }
    hears(&mut words, Word::Left).await;
    working.stop().await;
    let running = "SELECT count(*) FROM jobs WHERE state = 'running' AND worker = 'another'";
    assert_eq!(service.number(running).await, 1);
}

#[tokio::test]
async fn a_shutdown_hands_back_what_is_not_finished_in_time() {
    let service = Service::start().await;
    for name in ["one.txt", "two.txt"] {
        service.accepts(name, b"unfinished").await;
    }
    let (tell, mut words) = mpsc::unbounded_channel();
    let mut role = service.role();
    role.concurrency = 1;
    role.grace = Duration::from_millis(10);
    role.places = service.places_with(|inner| Trap {
        inner,
        spring: Spring::Hold,
        tell,
    });
    let working = Service::works(role);
    hears(&mut words, Word::Entered).await;
    working.stop().await;
    let claimed = service.claims().await;
    let attempts: Vec<_> = claimed.iter().map(|job| job.attempt).collect();
    assert_eq!(attempts, [1, 1]);
}

/// A clock whose second look begins the shutdown: the worker has its name then, and is
/// about to claim.
#[derive(Debug)]
struct LastClock {
    looks: AtomicUsize,
    shutdown: CancellationToken,
    now: Timestamp,
}

impl Clock for LastClock {
    fn now(&self) -> Timestamp {
        if self.looks.fetch_add(1, Ordering::SeqCst) == 1 {
            self.shutdown.cancel();
        }
        self.now
    }
}

#[tokio::test]
async fn what_is_claimed_while_the_shutdown_begins_is_handed_back() {
    let service = Service::start().await;
    service.accepts("late.txt", b"too late").await;
    let shutdown = CancellationToken::new();
    let mut role = service.role();
    role.queues = vec![Queue::Ingest];
    role.clock = Arc::new(LastClock {
        looks: AtomicUsize::new(0),
        shutdown: shutdown.clone(),
        now: service.clock.now(),
    });
    timeout(PATIENCE, worker::run(role, shutdown))
        .await
        .expect("a worker ends")
        .unwrap();
    // The fence tells that it was claimed.
    let given_back =
        "SELECT count(*) FROM jobs WHERE state = 'ready' AND attempts = 0 AND fence = 1";
    assert_eq!(service.number(given_back).await, 1);
}
