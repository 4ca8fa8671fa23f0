//! The ledger as operators watch it, on each database.

use std::time::Duration;

use domain::{ErrorCode, JobId, Status};
use ledger::{
    ALIVE_FOR, Database, JobFilter, JobPage, JobRetry, Outcome, Precondition, Target, WorkerPage,
    WorkerStatus, accept, dead_jobs, find_document, list_workers, oldest_pending, oldest_waiting,
    queue_states, record_heartbeat, retry_document, retry_jobs, settle,
};
use queue::{JobState, Queue};
use tests::ledger::{
    NOW, accepted, arrival, assert_balanced, claim_at, counters, limits, passed, settle_all, user,
};
use tests::on_each_database;

/// The bytes did not pass on any attempt.
fn gave_up(_: &str) -> Outcome {
    Outcome::Failed {
        failure: ErrorCode::Internal.into(),
        gave_up: Some("no room".to_owned()),
        leftovers: vec![],
    }
}

async fn dead(db: &Database) -> Vec<JobId> {
    let page = JobPage {
        before: None,
        limit: 100,
    };
    dead_jobs(db, &JobFilter::default(), page).await.unwrap()
}

#[on_each_database]
async fn a_job_that_is_tried_again_reserves_what_its_version_needs(db: &Database) {
    let owner = user(db, "alice").await;
    let document = accepted(db, arrival(owner, "hello", NOW)).await;
    settle_all(db, NOW, gave_up).await;
    assert_eq!(counters(db, owner).await, (0, 0, 0));
    let jobs = dead(db).await;
    let answers = retry_jobs(db, &jobs, &limits(), NOW).await.unwrap();
    assert_eq!(answers, [JobRetry::Ready(Queue::Ingest)]);
    assert_eq!(counters(db, owner).await, (0, 5, 1));
    assert_eq!(
        find_document(db, document)
            .await
            .unwrap()
            .unwrap()
            .lifecycle
            .status(),
        Status::Pending
    );
    assert_balanced(db).await;
    let answers = retry_jobs(db, &jobs, &limits(), NOW).await.unwrap();
    assert_eq!(answers, [JobRetry::NotDead(JobState::Ready)]);
    let claimed = claim_at(db, 10, NOW).await;
    assert_eq!(
        (claimed[0].attempt, claimed[0].job.id, claimed[0].job.fence),
        (1, jobs[0], 2)
    );
    ledger::hand_back(db, &[claimed[0].job], NOW).await.unwrap();
    settle_all(db, NOW, passed).await;
    assert_eq!(counters(db, owner).await, (5, 0, 1));
    assert_balanced(db).await;
}

#[on_each_database]
async fn what_does_not_fit_into_the_quota_stays_dead(db: &Database) {
    let owner = user(db, "alice").await;
    for letter in ["a", "b", "c"] {
        accepted(db, arrival(owner, &letter.repeat(300), NOW)).await;
    }
    settle_all(db, NOW, gave_up).await;
    accepted(db, arrival(owner, &"d".repeat(300), NOW)).await;
    let answers = retry_jobs(db, &dead(db).await, &limits(), NOW)
        .await
        .unwrap();
    let ready = answers
        .iter()
        .filter(|answer| **answer == JobRetry::Ready(Queue::Ingest))
        .count();
    assert_eq!((ready, answers.len()), (2, 3));
    assert!(answers.contains(&JobRetry::QuotaExceeded));
    assert_eq!(counters(db, owner).await, (0, 900, 3));
    assert_eq!(dead(db).await.len(), 1);
    assert_balanced(db).await;
}

#[on_each_database]
async fn no_second_job_is_made_ready_for_a_version(db: &Database) {
    let owner = user(db, "alice").await;
    let document = accepted(db, arrival(owner, "hello", NOW)).await;
    settle_all(db, NOW, gave_up).await;
    let target = Target {
        document,
        owner,
        precondition: Precondition::None,
    };
    retry_document(db, &target, &limits(), NOW).await.unwrap();
    let first = dead(db).await;
    for answer in retry_jobs(db, &first, &limits(), NOW).await.unwrap() {
        assert_eq!(answer, JobRetry::NotRetryable);
    }
    assert_eq!(claim_at(db, 10, NOW).await.len(), 1);
    assert_eq!(counters(db, owner).await, (0, 5, 1));
    let stranger = JobId::new(NOW);
    assert_eq!(
        retry_jobs(db, &[stranger], &limits(), NOW).await.unwrap(),
        [JobRetry::NotFound]
    );
}

#[on_each_database]
async fn a_version_that_failed_behind_an_active_one_is_tried_again(db: &Database) {
    use domain::{ByteSize, Sha256, VersionId};
    use ledger::{NewContent, add_version};

    let owner = user(db, "alice").await;
    let document = tests::ledger::active(db, owner, "hello").await;
    let target = Target {
        document,
        owner,
        precondition: Precondition::None,
    };
    let content = NewContent {
        version: VersionId::new(NOW),
        job: JobId::new(NOW),
        declared_type: None,
        staged: "file:///staging/second".parse().unwrap(),
        body: None,
        size: ByteSize::new(7),
        sha256: Sha256::of(b"goodbye"),
        traceparent: None,
        at: NOW,
    };
    add_version(db, &target, &content, &limits()).await.unwrap();
    settle_all(db, NOW, gave_up).await;
    let answers = retry_jobs(db, &dead(db).await, &limits(), NOW)
        .await
        .unwrap();
    assert_eq!(answers, [JobRetry::Ready(Queue::Ingest)]);
    assert_eq!(counters(db, owner).await, (5, 7, 1));
    let shown = find_document(db, document).await.unwrap().unwrap();
    assert_eq!(shown.lifecycle.status(), Status::Active);
    settle_all(db, NOW, passed).await;
    assert_eq!(counters(db, owner).await, (12, 0, 1));
    assert_balanced(db).await;
}

#[on_each_database]
async fn queues_tell_how_much_waits_and_for_how_long(db: &Database) {
    let owner = user(db, "alice").await;
    assert_eq!(oldest_waiting(db, Queue::Ingest).await.unwrap(), None);
    assert_eq!(oldest_pending(db).await.unwrap(), None);
    let later = NOW.plus(Duration::from_secs(3));
    for at in [later, NOW, later] {
        accept(db, &limits(), &[arrival(owner, "hello", at)])
            .await
            .unwrap();
    }
    assert_eq!(oldest_pending(db).await.unwrap(), Some(NOW));
    assert_eq!(oldest_waiting(db, Queue::Ingest).await.unwrap(), Some(NOW));
    assert_eq!(claim_at(db, 1, NOW).await.len(), 1);
    let states = queue_states(db, later.plus(Duration::from_secs(1)))
        .await
        .unwrap();
    let ingest = states
        .iter()
        .find(|state| state.queue == Queue::Ingest)
        .unwrap();
    assert_eq!((ingest.depth, ingest.running, ingest.dead), (2, 1, 0));
    assert_eq!(ingest.oldest, Some(Duration::from_secs(1)));
    // What is not due yet waits, but is not late.
    assert_eq!(queue_states(db, NOW).await.unwrap()[0].oldest, None);
    assert_eq!(states.len(), Queue::ALL.len());
}

#[on_each_database]
async fn a_silent_worker_disappears(db: &Database) {
    let sign = |name: &str, at| WorkerStatus {
        name: name.to_owned(),
        queues: vec![Queue::Ingest, Queue::Bulk],
        running: 3,
        at,
    };
    let alive = async |now| {
        let page = WorkerPage {
            now,
            after: None,
            limit: 10,
        };
        list_workers(db, page).await.unwrap()
    };
    let early = sign("a", NOW);
    record_heartbeat(db, &early).await.unwrap();
    assert_eq!(alive(NOW).await, [early]);
    let soon = NOW.plus(ALIVE_FOR);
    assert_eq!(alive(soon).await.len(), 1);
    let late = soon.plus(Duration::from_secs(1));
    assert_eq!(alive(late).await, []);
    record_heartbeat(db, &sign("b", late)).await.unwrap();
    record_heartbeat(db, &sign("b", late)).await.unwrap();
    let rows = tests::ledger::count(db, "SELECT count(*) FROM workers").await;
    assert_eq!((alive(late).await.len(), rows), (1, 1));
}

/// `settle` is what makes jobs dead; without the cause nobody could tell why.
#[tokio::test]
async fn a_dead_job_keeps_its_cause() {
    let database = tests::databases::TestDatabase::sqlite().await;
    let db = &database.db;
    let owner = user(db, "alice").await;
    accepted(db, arrival(owner, "hello", NOW)).await;
    let claimed = claim_at(db, 1, NOW).await.remove(0);
    let settlement = tests::ledger::settlement(db, &claimed, gave_up("")).await;
    settle(db, &[settlement], NOW).await.unwrap();
    let job = dead(db).await.remove(0);
    let seen = ledger::find_job(db, job).await.unwrap().unwrap();
    assert_eq!(seen.last_error.as_deref(), Some("no room"));
}
