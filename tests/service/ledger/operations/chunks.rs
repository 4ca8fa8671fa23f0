//! Bulk operations in the ledger: chunk by chunk, under a fence, in turns.

use std::time::Duration;

use domain::{
    ByteSize, DocumentId, ErrorCode, ItemCode, ItemResult, Limits, OperationId, OperationItem,
    OperationStatus, RunMode, Status, Timestamp, UserId,
};
use ledger::{
    Chunk, ChunkRequest, ClaimRequest, ClaimedJob, Database, DocumentChanges, DocumentFilter,
    ItemPage, NewOperation, NewUndo, Outcome, Selection, Settlement, Target, Task, UserChanges,
    cancel_operation, change_user, claim_jobs, create_operation, edit_document, find_document,
    find_operation, list_operation_items, run_chunk, settle, timeline, undo_operation,
};
use queue::{JobKind, Queue};
use serde_json::json;
use tests::ledger::{
    LEASE, NOW, accepted, active, arrival, assert_balanced, copies, counters, failed, limits,
    passed, settle_all, user,
};
use tests::on_each_database;
use uuid::Uuid;

/// Room for everything here.
fn roomy() -> Limits {
    Limits {
        default_quota_documents: 100_000,
        default_quota_bytes: ByteSize::gibibytes(1),
        ..limits()
    }
}

pub async fn ask(db: &Database, owner: UserId, task: Task, selection: Selection) -> OperationId {
    ask_as(db, owner, task, selection, RunMode::Real).await
}

async fn ask_as(
    db: &Database,
    owner: UserId,
    task: Task,
    selection: Selection,
    mode: RunMode,
) -> OperationId {
    let id = OperationId::new(NOW);
    let traceparent = None;
    let new = NewOperation {
        id,
        owner,
        task,
        selection,
        mode,
        traceparent,
        at: NOW,
    };
    create_operation(db, &new, &limits().operations)
        .await
        .unwrap();
    id
}

pub fn undo_of(undoes: OperationId, owner: UserId) -> NewUndo {
    NewUndo {
        id: OperationId::new(NOW),
        undoes,
        owner,
        at: NOW,
    }
}

/// Somebody with room for everything here.
async fn roomy_user(db: &Database, name: &str) -> UserId {
    let owner = user(db, name).await;
    let changes = UserChanges {
        quota_bytes: Some(Some(roomy().default_quota_bytes)),
        quota_documents: Some(Some(roomy().default_quota_documents)),
        ..UserChanges::default()
    };
    change_user(db, owner, &changes, NOW).await.unwrap();
    owner
}

/// Claims jobs of the bulk queue in rounds that begin behind `after`.
async fn claim(db: &Database, limit: usize, after: UserId, now: Timestamp) -> Vec<ClaimedJob> {
    let request = ClaimRequest {
        queue: Queue::Bulk,
        worker: "w",
        limit,
        lease: LEASE,
        after,
        now,
    };
    claim_jobs(db, &request).await.unwrap()
}

fn settlement(claimed: &ClaimedJob, outcome: Outcome) -> Settlement {
    Settlement {
        job: claimed.job,
        work: None,
        attempt: claimed.attempt,
        worker: "w".to_owned(),
        started_at: NOW,
        steps: vec![],
        outcome,
    }
}

async fn deal_with(db: &Database, claimed: &ClaimedJob, limits: &Limits) -> Chunk {
    assert_eq!(claimed.kind, JobKind::RunOperation);
    let request = ChunkRequest {
        operation: OperationId(claimed.subject.unwrap()),
        settlement: &settlement(claimed, Outcome::Done),
        limits,
        now: NOW,
    };
    run_chunk(db, &request, |staged| vec![staged.to_owned()])
        .await
        .unwrap()
}

/// Deals with one chunk of whoever's turn it is; `false` if there is none.
async fn step(db: &Database, limits: &Limits) -> bool {
    let claimed = claim(db, 1, UserId(Uuid::nil()), NOW).await;
    let Some(claimed) = claimed.first() else {
        return false;
    };
    assert!(matches!(
        deal_with(db, claimed, limits).await,
        Chunk::Committed(_)
    ));
    true
}

/// Deals with chunks until none is left, and says how many it were.
pub async fn run_dry(db: &Database, limits: &Limits) -> usize {
    let mut chunks = 0;
    while step(db, limits).await {
        chunks += 1;
    }
    chunks
}

async fn status(db: &Database, id: OperationId) -> (OperationStatus, [u32; 4]) {
    let operation = find_operation(db, id).await.unwrap().unwrap();
    let tally = operation.tally;
    let counts = [tally.total, tally.succeeded, tally.failed, tally.skipped];
    (operation.state.status(), counts)
}

async fn items(db: &Database, operation: OperationId) -> Vec<OperationItem> {
    let page = ItemPage {
        operation,
        result: None,
        after: None,
        limit: 200_000,
    };
    list_operation_items(db, page).await.unwrap()
}

pub async fn codes(db: &Database, operation: OperationId) -> Vec<(ItemResult, Option<ItemCode>)> {
    let items = items(db, operation).await.into_iter();
    items
        .map(|item| (item.result, item.reason.map(|reason| reason.code)))
        .collect()
}

async fn revisions(db: &Database, documents: &[DocumentId]) -> Vec<u64> {
    let mut revisions = Vec::new();
    for document in documents {
        revisions.push(
            find_document(db, *document)
                .await
                .unwrap()
                .unwrap()
                .revision,
        );
    }
    revisions
}

pub fn target(document: DocumentId, owner: UserId) -> Target {
    Target {
        document,
        owner,
        precondition: ledger::Precondition::None,
    }
}

#[on_each_database]
async fn each_document_is_acted_on_once_in_chunks(db: &Database) {
    let owner = roomy_user(db, "alice").await;
    let first = active(db, owner, "hello").await;
    let mut all = copies(db, first, 1_200).await;
    all.insert(0, first);
    let id = ask(
        db,
        owner,
        Task::Archive,
        Selection::Matching(DocumentFilter::default()),
    )
    .await;
    // What comes later is not meant.
    let late = active(db, owner, "late").await;
    assert_eq!(
        status(db, id).await,
        (OperationStatus::Pending, [1_201, 0, 0, 0])
    );
    assert!(step(db, &roomy()).await);
    assert_eq!(
        status(db, id).await,
        (OperationStatus::Running, [1_201, 500, 0, 0])
    );
    assert_eq!(run_dry(db, &roomy()).await, 2);
    assert_eq!(
        status(db, id).await,
        (OperationStatus::Completed, [1_201, 1_201, 0, 0])
    );
    assert_eq!(
        items(db, id)
            .await
            .iter()
            .map(|item| item.document.unwrap())
            .collect::<Vec<_>>(),
        all
    );
    assert!(
        revisions(db, &all[1..])
            .await
            .iter()
            .all(|revision| *revision == 3)
    );
    let events = timeline(db, all[700], 0, 10).await.unwrap();
    assert_eq!(
        events
            .iter()
            .map(|event| event.kind.as_str())
            .collect::<Vec<_>>(),
        ["archived"]
    );
    assert_eq!(
        find_document(db, late)
            .await
            .unwrap()
            .unwrap()
            .lifecycle
            .status(),
        Status::Active
    );
    assert_balanced(db).await;
}

#[on_each_database]
async fn whoever_lost_the_lease_changes_nothing(db: &Database) {
    let owner = user(db, "alice").await;
    let document = active(db, owner, "hello").await;
    let id = ask(db, owner, Task::Delete, Selection::Ids(vec![document])).await;
    let slow = claim(db, 1, UserId(Uuid::nil()), NOW).await;
    let quick = claim(db, 1, UserId(Uuid::nil()), NOW.plus(2 * LEASE)).await;
    assert_eq!(deal_with(db, &slow[0], &limits()).await, Chunk::LeaseLost);
    assert_eq!(
        status(db, id).await,
        (OperationStatus::Pending, [1, 0, 0, 0])
    );
    assert!(find_document(db, document).await.unwrap().is_some());
    assert!(matches!(
        deal_with(db, &quick[0], &limits()).await,
        Chunk::Committed(_)
    ));
    assert_eq!(deal_with(db, &quick[0], &limits()).await, Chunk::LeaseLost);
    assert_eq!(
        status(db, id).await,
        (OperationStatus::Completed, [1, 1, 0, 0])
    );
    assert_balanced(db).await;
}

#[on_each_database]
async fn what_was_not_begun_is_skipped_when_an_operation_is_stopped(db: &Database) {
    let owner = user(db, "alice").await;
    let first = active(db, owner, "hello").await;
    let all = copies(db, first, 1_400).await;
    let id = ask(db, owner, Task::Archive, Selection::Ids(all.clone())).await;
    assert!(step(db, &roomy()).await);
    let stopping = cancel_operation(db, id, owner).await.unwrap();
    assert_eq!(stopping.state.status(), OperationStatus::Running);
    assert_eq!(run_dry(db, &roomy()).await, 1);
    assert_eq!(
        status(db, id).await,
        (OperationStatus::Cancelled, [1_400, 500, 0, 900])
    );
    let codes = codes(db, id).await;
    assert_eq!(codes[499], (ItemResult::Succeeded, None));
    assert_eq!(codes[500], (ItemResult::Skipped, Some(ItemCode::Cancelled)));
    assert_eq!(revisions(db, &all[499..501]).await, [3, 2]);
    assert!(cancel_operation(db, id, owner).await.is_err());
    // As far as it came it can be taken back.
    undo_operation(db, &undo_of(id, owner), &limits().operations)
        .await
        .unwrap();
    run_dry(db, &roomy()).await;
    assert_eq!(
        find_document(db, all[0])
            .await
            .unwrap()
            .unwrap()
            .lifecycle
            .status(),
        Status::Active
    );
}

#[on_each_database]
async fn owners_take_turns_whatever_one_of_them_piled_up(db: &Database) {
    let (alice, bob) = (user(db, "alice").await, user(db, "bob").await);
    let many = active(db, alice, "hello").await;
    let many = copies(db, many, 2_000).await;
    let few = active(db, bob, "hello").await;
    let big = ask(db, alice, Task::Archive, Selection::Ids(many)).await;
    assert!(step(db, &roomy()).await);
    let small = ask(db, bob, Task::Archive, Selection::Ids(vec![few])).await;
    let upload = accepted(db, arrival(bob, "an upload", NOW)).await;
    // The next two chunks are one of each, whoever comes first.
    let mut turns = Vec::new();
    let mut after = UserId(Uuid::nil());
    for _ in 0..2 {
        let claimed = claim(db, 1, after, NOW).await;
        after = claimed[0].owner;
        turns.push(OperationId(claimed[0].subject.unwrap()));
        deal_with(db, &claimed[0], &roomy()).await;
    }
    turns.sort();
    let mut expected = [big, small];
    expected.sort();
    assert_eq!(turns, expected);
    assert_eq!(status(db, small).await.0, OperationStatus::Completed);
    assert_eq!(status(db, big).await.0, OperationStatus::Running);
    // Uploads have a queue of their own.
    settle_all(db, NOW, passed).await;
    assert_eq!(
        find_document(db, upload)
            .await
            .unwrap()
            .unwrap()
            .lifecycle
            .status(),
        Status::Active
    );
    run_dry(db, &roomy()).await;
    assert_eq!(
        status(db, big).await,
        (OperationStatus::Completed, [2_000, 2_000, 0, 0])
    );
}

#[on_each_database]
async fn an_operation_whose_job_is_given_up_ends_in_error_and_goes_on_with_it(db: &Database) {
    let owner = user(db, "alice").await;
    let first = active(db, owner, "hello").await;
    let all = copies(db, first, 700).await;
    let id = ask(db, owner, Task::Archive, Selection::Ids(all)).await;
    assert!(step(db, &roomy()).await);
    let claimed = claim(db, 1, UserId(Uuid::nil()), NOW).await;
    let dead = settlement(
        &claimed[0],
        Outcome::Dead {
            cause: "out of luck".to_owned(),
        },
    );
    settle(db, &[dead], NOW).await.unwrap();
    assert_eq!(
        status(db, id).await,
        (OperationStatus::Error, [700, 500, 0, 200])
    );
    assert_eq!(
        codes(db, id).await[499..501],
        [
            (ItemResult::Succeeded, None),
            (ItemResult::Skipped, Some(ItemCode::Interrupted)),
        ]
    );
    let failure = find_operation(db, id).await.unwrap().unwrap();
    assert_eq!(failure.state.failure().unwrap().code.as_str(), "internal");
    assert!(cancel_operation(db, id, owner).await.is_err());

    let again =
        "UPDATE jobs SET state = 'ready', finished_at = NULL, attempts = 0 WHERE state = 'dead'";
    sea_orm::ConnectionTrait::execute_unprepared(db.writer(), again)
        .await
        .unwrap();
    assert_eq!(run_dry(db, &roomy()).await, 1);
    assert_eq!(
        status(db, id).await,
        (OperationStatus::Completed, [700, 700, 0, 0])
    );
}

#[on_each_database]
async fn what_is_deleted_gives_everything_back(db: &Database) {
    let owner = roomy_user(db, "alice").await;
    let first = active(db, owner, "hello").await;
    let mut all = copies(db, first, 600).await;
    all.push(first);
    let other = active(db, owner, "something else").await;
    let pending = accepted(db, arrival(owner, "on its way", NOW)).await;
    settle_all(db, NOW.plus(Duration::from_secs(1)), |_| {
        failed(ErrorCode::TypeNotAllowed)
    })
    .await;
    let waiting = accepted(db, arrival(owner, "waiting", NOW)).await;
    all.extend([other, pending, waiting]);
    let id = ask(db, owner, Task::Delete, Selection::Ids(all.clone())).await;
    assert_eq!(run_dry(db, &roomy()).await, 2);
    assert_eq!(
        status(db, id).await,
        (OperationStatus::Completed, [604, 604, 0, 0])
    );
    assert_eq!(counters(db, owner).await, (0, 0, 0));
    for gone in ["documents", "versions", "blobs", "events"] {
        assert_eq!(
            tests::ledger::count(db, &format!("SELECT count(*) FROM {gone}")).await,
            0,
            "{gone}"
        );
    }
    assert!(tests::ledger::count(db, "SELECT count(*) FROM discards").await >= 4);
    assert_eq!(items(db, id).await[0].name.as_deref(), Some("report.pdf"));
}

#[on_each_database]
async fn documents_with_many_versions_are_deleted_in_smaller_chunks(db: &Database) {
    let owner = user(db, "alice").await;
    let first = active(db, owner, "hello").await;
    let all = copies(db, first, 3).await;
    let many = "UPDATE documents SET latest_version = 3000";
    sea_orm::ConnectionTrait::execute_unprepared(db.writer(), many)
        .await
        .unwrap();
    let id = ask(db, owner, Task::Delete, Selection::Ids(all)).await;
    assert_eq!(run_dry(db, &roomy()).await, 3);
    assert_eq!(
        status(db, id).await,
        (OperationStatus::Completed, [3, 3, 0, 0])
    );
}

#[on_each_database]
async fn of_those_that_are_tried_again_as_many_as_fit_are(db: &Database) {
    let owner = user(db, "alice").await;
    let mut all = Vec::new();
    for content in [
        "a".repeat(400),
        "b".repeat(500),
        "c".repeat(300),
        "d".repeat(100),
    ] {
        all.push(accepted(db, arrival(owner, &content, NOW)).await);
        settle_all(db, NOW, |_| failed(ErrorCode::Internal)).await;
    }
    let fine = active(db, owner, "fine").await;
    let waiting = accepted(db, arrival(owner, "waiting", NOW)).await;
    all.extend([fine, waiting]);
    let dry = ask_as(
        db,
        owner,
        Task::Retry,
        Selection::Ids(all.clone()),
        RunMode::Dry,
    )
    .await;
    run_dry(db, &limits()).await;
    assert_eq!(counters(db, owner).await, (4, 7, 2));
    let id = ask(db, owner, Task::Retry, Selection::Ids(all.clone())).await;
    run_dry(db, &limits()).await;
    let expected = [
        (ItemResult::Succeeded, None),
        (ItemResult::Succeeded, None),
        (ItemResult::Failed, Some(ItemCode::QuotaExceeded)),
        (ItemResult::Failed, Some(ItemCode::QuotaExceeded)),
        (ItemResult::Failed, Some(ItemCode::NotRetryable)),
        (ItemResult::Skipped, Some(ItemCode::Unchanged)),
    ];
    // 4 bytes are used, 7 reserved, 400 and 500 more fit into 1,000; 100 don't any more.
    assert_eq!(codes(db, id).await, expected);
    assert_eq!(codes(db, dry).await, expected);
    assert_eq!(counters(db, owner).await, (4, 907, 4));
    assert_balanced(db).await;
    settle_all(db, NOW, passed).await;
    assert_eq!(
        find_document(db, all[0])
            .await
            .unwrap()
            .unwrap()
            .lifecycle
            .status(),
        Status::Active
    );
    assert_balanced(db).await;
}

#[on_each_database]
async fn a_unique_name_goes_to_the_first_and_comes_back(db: &Database) {
    let owner = user(db, "alice").await;
    let first = active(db, owner, "hello").await;
    let all = copies(db, first, 3).await;
    let own = DocumentChanges {
        unique_name: Some(Some("my-own".parse().unwrap())),
        ..DocumentChanges::default()
    };
    edit_document(db, &target(all[0], owner), own, NOW)
        .await
        .unwrap();
    let before = find_document(db, all[0]).await.unwrap().unwrap();
    let changes = DocumentChanges {
        name: Some("new.pdf".parse().unwrap()),
        unique_name: Some(Some("wanted".parse().unwrap())),
        is_public: Some(true),
        metadata: Some(json!({"year": 2026})),
    };
    let select = || Selection::Ids(all.clone());
    let dry = ask_as(
        db,
        owner,
        Task::Update(changes.clone()),
        select(),
        RunMode::Dry,
    )
    .await;
    run_dry(db, &limits()).await;
    let id = ask(db, owner, Task::Update(changes), select()).await;
    run_dry(db, &limits()).await;
    let expected = [
        (ItemResult::Succeeded, None),
        (ItemResult::Failed, Some(ItemCode::UniqueNameTaken)),
        (ItemResult::Failed, Some(ItemCode::UniqueNameTaken)),
    ];
    assert_eq!(codes(db, dry).await, expected);
    assert_eq!(codes(db, id).await, expected);
    let document = find_document(db, all[0]).await.unwrap().unwrap();
    assert_eq!(
        (document.name.as_str(), document.visibility.is_public()),
        ("new.pdf", true)
    );
    assert!(
        undo_operation(db, &undo_of(dry, owner), &limits().operations)
            .await
            .is_err()
    );

    undo_operation(db, &undo_of(id, owner), &limits().operations)
        .await
        .unwrap();
    run_dry(db, &limits()).await;
    let after = find_document(db, all[0]).await.unwrap().unwrap();
    assert_eq!(after.revision, document.revision + 1);
    let same = domain::Document {
        revision: before.revision,
        updated_at: before.updated_at,
        ..after
    };
    assert_eq!(same, before);
}

#[on_each_database]
async fn more_documents_than_an_operation_takes_are_refused(db: &Database) {
    let owner = user(db, "alice").await;
    let first = active(db, owner, "hello").await;
    copies(db, first, 100_000).await;
    let new = NewOperation {
        id: OperationId::new(NOW),
        owner,
        task: Task::Delete,
        selection: Selection::Matching(DocumentFilter::default()),
        mode: RunMode::Real,
        traceparent: None,
        at: NOW,
    };
    let refused = create_operation(db, &new, &limits().operations)
        .await
        .unwrap_err();
    assert!(matches!(refused, ledger::CreateOperationError::TooMany));
    assert!(find_operation(db, new.id).await.unwrap().is_none());
    let just_so = DocumentFilter {
        created_after: Some(NOW),
        ..DocumentFilter::default()
    };
    let new = NewOperation {
        selection: Selection::Matching(just_so),
        ..new
    };
    assert_eq!(
        create_operation(db, &new, &limits().operations)
            .await
            .unwrap()
            .0
            .tally
            .total,
        100_000
    );
}
