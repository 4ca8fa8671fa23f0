//! Who hands in many versions at once has a bounded number of them waiting: imports and bulk
//! retries wait until there is room, without a row for each look.

use domain::{ErrorCode, JobId, Limits, OperationId, RunMode, UserId};
use ledger::{
    BACKLOG_PAUSE, BatchRequest, Chunk, ChunkRequest, Database, JobRef, NewJob, NewOperation,
    NextBatch, Outcome, OwnerHead, OwnerPage, Selection, Settlement, StepCheck, Task,
    create_operation, enqueue, next_import_batch, owner_heads, run_chunk,
};
use queue::{JobKind, Queue};
use sea_orm::ConnectionTrait;
use tests::ledger::{NOW, accepted, arrival, claim_at, count, failed, limits, settle_all, user};
use tests::on_each_database;
use uuid::Uuid;

use super::operations::given_up::{claim, import};

/// Has so many uploads of the owner wait.
async fn waits(db: &Database, owner: UserId, jobs: usize) {
    let jobs: Vec<_> = (0..jobs)
        .map(|_| NewJob::without_subject(JobKind::ProcessVersion, owner, NOW))
        .collect();
    enqueue(db.writer(), &jobs, NOW).await.unwrap();
}

/// Ten items of an import at most.
const fn ten_of(id: OperationId, job: JobRef, limits: &Limits) -> BatchRequest<'_> {
    BatchRequest {
        id,
        job,
        items: 10,
        versions: 256,
        bytes: u64::MAX,
        limits,
        now: NOW,
    }
}

/// One of those of alice is done.
async fn one_is_done(db: &Database) {
    let sql = "UPDATE jobs SET state = 'done', worker = NULL, finished_at = 1 WHERE id = \
        (SELECT id FROM jobs WHERE queue = 'ingest' AND state IN ('ready', 'running') \
        AND owner_id = (SELECT id FROM users WHERE name = 'alice') ORDER BY id LIMIT 1)";
    db.writer().execute_unprepared(sql).await.unwrap();
}

#[on_each_database]
async fn an_import_waits_while_its_owner_has_enough_waiting(db: &Database) {
    let limits = limits();
    let (alice, bob) = (user(db, "alice").await, user(db, "bob").await);
    waits(db, bob, 1_000).await;
    waits(db, alice, 999).await;
    let id = import(db, alice, &["one", "two"]).await;
    waits(db, alice, 1).await;
    let rows = count(db, "SELECT count(*) FROM jobs").await;
    let job = claim(db, JobKind::ImportEntries).await;
    let later = next_import_batch(db, &ten_of(id, job.job, &limits))
        .await
        .unwrap();
    assert!(
        matches!(later, StepCheck::Continue(NextBatch::Postponed)),
        "{later:?}"
    );
    assert_eq!(count(db, "SELECT count(*) FROM jobs").await, rows);
    // Such a look is no attempt.
    let again = claim(db, JobKind::ImportEntries).await;
    assert_eq!((again.attempt, again.job.id), (1, job.job.id));
    one_is_done(db).await;
    one_is_done(db).await;
    let turn = next_import_batch(db, &ten_of(id, again.job, &limits))
        .await
        .unwrap();
    let StepCheck::Continue(NextBatch::Ready(turn)) = turn else {
        panic!("{turn:?}");
    };
    assert_eq!(turn.items.len(), 2);
}

#[on_each_database]
async fn a_bulk_retry_waits_while_its_owner_has_enough_waiting(db: &Database) {
    let owner = user(db, "alice").await;
    let document = accepted(db, arrival(owner, "spoiled", NOW)).await;
    settle_all(db, NOW, |_| failed(ErrorCode::TypeNotAllowed)).await;
    waits(db, owner, 1_000).await;
    let new = NewOperation {
        id: OperationId::new(NOW),
        owner,
        task: Task::Retry,
        selection: Selection::Ids(vec![document]),
        mode: RunMode::Real,
        traceparent: None,
        at: NOW,
    };
    create_operation(db, &new, &limits().operations)
        .await
        .unwrap();
    let mut dealt = Vec::new();
    for _ in 0..2 {
        let claimed = claim(db, JobKind::RunOperation).await;
        assert_eq!(claimed.attempt, 1);
        let settlement = Settlement {
            job: claimed.job,
            work: None,
            attempt: 1,
            worker: "w".to_owned(),
            started_at: NOW,
            steps: vec![],
            outcome: Outcome::Done,
        };
        let request = ChunkRequest {
            operation: new.id,
            settlement: &settlement,
            limits: &limits(),
            now: NOW,
        };
        dealt.push(
            run_chunk(db, &request, |staged| vec![staged.to_owned()])
                .await
                .unwrap(),
        );
        one_is_done(db).await;
    }
    assert!(
        matches!(dealt[..], [Chunk::Postponed, Chunk::Committed(_)]),
        "{dealt:?}"
    );
}

#[on_each_database]
async fn each_owner_is_seen_with_the_job_whose_turn_is_next(db: &Database) {
    let mut owners = Vec::new();
    for name in ["one", "two", "three", "four"] {
        owners.push(user(db, name).await);
    }
    owners.sort();
    let job = |owner: UserId, due| NewJob {
        run_at: due,
        ..NewJob::without_subject(JobKind::ProcessVersion, owner, NOW)
    };
    let now = NOW.plus(BACKLOG_PAUSE * 10);
    let jobs = [
        job(owners[0], now.plus(BACKLOG_PAUSE)),
        job(owners[1], NOW.plus(BACKLOG_PAUSE)),
        job(owners[1], NOW),
        job(owners[3], NOW),
    ];
    enqueue(db.writer(), &jobs, NOW).await.unwrap();
    let claimed = claim_at(db, 2, NOW).await;
    assert_eq!(claimed.len(), 2);
    let page = |after, limit| OwnerPage {
        queue: Queue::Ingest,
        after,
        limit,
        now,
    };
    let nobody = UserId(Uuid::nil());
    let all = owner_heads(db, page(nobody, 10)).await.unwrap();
    let next = |job: JobId| {
        Some(OwnerHead {
            job,
            waited: BACKLOG_PAUSE * 9,
            is_served: true,
        })
    };
    // The claimed job of the last one isn't due.
    assert_eq!(
        all,
        [
            (owners[0], None),
            (owners[1], next(jobs[1].id)),
            (owners[3], None)
        ]
    );
    assert_eq!(owner_heads(db, page(nobody, 1)).await.unwrap(), all[..1]);
    assert_eq!(owner_heads(db, page(owners[0], 2)).await.unwrap(), all[1..]);
    assert_eq!(owner_heads(db, page(owners[3], 2)).await.unwrap(), []);
}
