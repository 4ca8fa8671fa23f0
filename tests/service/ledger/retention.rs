//! What is kept of operations, events and failures: the cleanup on each database, in batches, and
//! what one user may have at once.

use std::time::Duration;

use domain::{
    ByteSize, DocumentId, ErrorCode, JobId, OperationId, OperationLimits, RunMode, Sha256, Status,
    Timestamp, UserId, VersionId,
};
use ledger::{
    CreateOperationError, Database, ItemPage, LimitReached, NewOperation, NewUndo, Selection, Task,
    UndoError, add_version, expire_operations, find_document, find_operation, forget_failures,
    list_operation_items, list_operations, may_open_operation, remove_expired_operation, timeline,
    trim_events, undo_operation,
};
use ledger::{NewContent, OperationPage, Precondition, Target, create_operation, expire_failed};
use sea_orm::{ConnectionTrait, DbBackend};
use tests::ledger::{
    NOW, accepted, active, arrival, assert_balanced, count, failed, limits, settle_all, user,
};
use tests::on_each_database;
use url::Url;

const DAY: Duration = Duration::from_hours(24);

/// Asks for an operation on so many documents that aren't there.
async fn asks(
    db: &Database,
    owner: UserId,
    items: usize,
    limits: &OperationLimits,
) -> Result<OperationId, CreateOperationError> {
    let new = NewOperation {
        id: OperationId::new(NOW),
        owner,
        task: Task::Archive,
        selection: Selection::Ids((0..items).map(|_| DocumentId::new(NOW)).collect()),
        mode: RunMode::Dry,
        traceparent: None,
        at: NOW,
    };
    create_operation(db, &new, limits).await?;
    Ok(new.id)
}

/// Says that the operation ended then: nobody works here.
async fn ends(db: &Database, at: Timestamp) {
    let sql = format!(
        "UPDATE operations SET status = 'completed', started_at = {0}, finished_at = {0}, \
         skipped = total, next_position = total WHERE finished_at IS NULL",
        at.as_micros()
    );
    db.writer().execute_unprepared(&sql).await.unwrap();
}

async fn undoes(
    db: &Database,
    undoes: OperationId,
    owner: UserId,
) -> Result<OperationId, UndoError> {
    let id = OperationId::new(NOW);
    let new = NewUndo {
        id,
        undoes,
        owner,
        at: NOW,
    };
    undo_operation(db, &new, &OperationLimits::default()).await?;
    Ok(id)
}

async fn expires(db: &Database, before: Timestamp) -> usize {
    let hidden = expire_operations(db, before, 100, NOW).await.unwrap();
    while remove_expired_operation(db, NOW).await.unwrap() {}
    hidden
}

async fn listed(db: &Database, owner: UserId) -> Vec<OperationId> {
    let page = OperationPage {
        owner,
        before: None,
        limit: 200,
    };
    let found = list_operations(db, page).await.unwrap();
    let mut found: Vec<_> = found.into_iter().map(|operation| operation.id).collect();
    found.sort();
    found
}

fn sorted<const N: usize>(mut operations: [OperationId; N]) -> [OperationId; N] {
    operations.sort();
    operations
}

/// Adds so many events to the timeline of a document.
async fn happens(db: &Database, document: DocumentId, owner: UserId, times: u32, at: Timestamp) {
    let id = |id: uuid::Uuid| match db.writer().get_database_backend() {
        DbBackend::Postgres => format!("'{id}'"),
        _ => format!("unhex('{}')", id.simple()),
    };
    let sql = format!(
        "WITH RECURSIVE times (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM times WHERE n < {times}) \
         INSERT INTO events (owner_id, document_id, kind, data, at) \
         SELECT {}, {}, 'archived', '{{}}', {} FROM times",
        id(owner.0),
        id(document.0),
        at.as_micros(),
    );
    db.writer().execute_unprepared(&sql).await.unwrap();
}

/// Walks to the end in batches of seven.
async fn walks(db: &Database, until: Timestamp) {
    while !trim_events(db, until, 7).await.unwrap() {}
}

async fn events(db: &Database, document: DocumentId) -> usize {
    timeline(db, document, 0, 100_000).await.unwrap().len()
}

fn traces(staged: &str) -> Vec<String> {
    vec![staged.to_owned()]
}

#[on_each_database]
async fn an_operation_goes_with_its_items_when_its_time_is_over(db: &Database) {
    let (owner, limits) = (user(db, "alice").await, OperationLimits::default());
    let old = asks(db, owner, 5_000, &limits).await.unwrap();
    ends(db, NOW).await;
    let young = asks(db, owner, 3, &limits).await.unwrap();
    ends(db, NOW.plus(DAY)).await;
    let open = asks(db, owner, 3, &limits).await.unwrap();
    assert_eq!(expires(db, NOW).await, 0);
    assert_eq!(
        expire_operations(db, NOW.plus(DAY), 100, NOW)
            .await
            .unwrap(),
        1
    );
    // Nobody sees it from then on, though its rows go in batches.
    assert!(find_operation(db, old).await.unwrap().is_none());
    assert_eq!(listed(db, owner).await, sorted([open, young]));
    assert!(matches!(
        undoes(db, old, owner).await,
        Err(UndoError::NotFound)
    ));
    let left = async || count(db, "SELECT count(*) FROM operation_items").await;
    for expected in [3_006, 1_006, 6] {
        assert!(remove_expired_operation(db, NOW).await.unwrap());
        assert_eq!(left().await, expected);
    }
    assert!(!remove_expired_operation(db, NOW).await.unwrap());
    assert_eq!(count(db, "SELECT count(*) FROM operations").await, 2);
    let page = ItemPage {
        operation: young,
        result: None,
        after: None,
        limit: 10,
    };
    assert_eq!(list_operation_items(db, page).await.unwrap().len(), 3);
}

#[on_each_database]
async fn what_was_taken_back_goes_with_what_took_it_back(db: &Database) {
    let (owner, limits) = (user(db, "alice").await, OperationLimits::default());
    let real = "UPDATE operations SET dry_run = false";
    let undone = asks(db, owner, 2, &limits).await.unwrap();
    db.writer().execute_unprepared(real).await.unwrap();
    ends(db, NOW).await;
    let undo = undoes(db, undone, owner).await.unwrap();
    // It is under way, and then it is young.
    assert_eq!(expires(db, NOW.plus(DAY)).await, 0);
    ends(db, NOW.plus(DAY * 2)).await;
    assert_eq!(expires(db, NOW.plus(DAY)).await, 0);
    assert!(matches!(
        undoes(db, undone, owner).await,
        Err(UndoError::NotUndoable(_))
    ));
    assert_eq!(listed(db, owner).await, sorted([undo, undone]));
    // Who was refused may lock the row for a moment longer, and expiry passes by what is locked.
    let waits = "UPDATE operations SET total = total";
    db.writer().execute_unprepared(waits).await.unwrap();
    assert_eq!(expires(db, NOW.plus(DAY * 3)).await, 1);
    for table in ["operations", "operation_items"] {
        assert_eq!(count(db, &format!("SELECT count(*) FROM {table}")).await, 0);
    }
}

#[on_each_database]
async fn the_oldest_operations_make_room_for_new_ones(db: &Database) {
    let (alice, bob) = (user(db, "alice").await, user(db, "bob").await);
    let limits = OperationLimits {
        open: 3,
        kept: 10,
        items: 1_000,
        ..OperationLimits::default()
    };
    asks(db, bob, 900, &limits).await.unwrap();
    ends(db, NOW).await;
    for _ in 0..40 {
        asks(db, alice, 300, &limits).await.unwrap();
        ends(db, NOW).await;
        while remove_expired_operation(db, NOW).await.unwrap() {}
    }
    let items = "SELECT count(*) FROM operation_items";
    assert_eq!(count(db, items).await, 900 + 900);
    for _ in 0..40 {
        asks(db, alice, 0, &limits).await.unwrap();
        ends(db, NOW).await;
        while remove_expired_operation(db, NOW).await.unwrap() {}
    }
    let kept = listed(db, alice).await.len();
    assert!((9..=10).contains(&kept), "{kept}");
    assert_eq!(listed(db, bob).await.len(), 1);
    // The rows that are hidden count until they are gone.
    let mut made = 0;
    let refused = loop {
        match asks(db, alice, 1_000, &limits).await {
            Ok(_) => made += 1,
            Err(error) => break error,
        }
        ends(db, NOW).await;
        assert!(made < 10);
    };
    assert!(
        matches!(
            refused,
            CreateOperationError::LimitReached(LimitReached::TooManyKept)
        ),
        "{refused}"
    );
    assert!(count(db, items).await <= 900 + 3 * 1_000);
    while remove_expired_operation(db, NOW).await.unwrap() {}
    asks(db, alice, 1_000, &limits).await.unwrap();
}

#[on_each_database]
async fn so_many_operations_may_be_open_at_once(db: &Database) {
    let (alice, bob) = (user(db, "alice").await, user(db, "bob").await);
    let limits = OperationLimits {
        open: 3,
        kept: 10,
        items: 1_000,
        ..OperationLimits::default()
    };
    for _ in 0..3 {
        asks(db, alice, 1, &limits).await.unwrap();
    }
    let refused = asks(db, alice, 1, &limits).await.unwrap_err();
    assert!(matches!(
        refused,
        CreateOperationError::LimitReached(LimitReached::TooManyOpen)
    ));
    assert!(may_open_operation(db, alice, &limits).await.is_err());
    asks(db, bob, 1, &limits).await.unwrap();
    ends(db, NOW).await;
    may_open_operation(db, alice, &limits).await.unwrap();
    // What can't go holds all there may be.
    asks(db, alice, 600, &limits).await.unwrap();
    let refused = asks(db, alice, 500, &limits).await.unwrap_err();
    assert!(matches!(
        refused,
        CreateOperationError::LimitReached(LimitReached::TooManyKept)
    ));
    assert_eq!(listed(db, alice).await.len(), 4);
}

#[on_each_database]
async fn a_timeline_keeps_its_last_events(db: &Database) {
    let owner = user(db, "alice").await;
    let busy = active(db, owner, "busy").await;
    let quiet = active(db, owner, "quiet").await;
    let before = events(db, quiet).await;
    happens(db, busy, owner, 150, NOW).await;
    walks(db, NOW).await;
    assert!(events(db, busy).await > 150);
    let later = NOW.plus(DAY);
    // Old ones are few, young ones stay.
    happens(db, busy, owner, 30, later.plus(DAY)).await;
    walks(db, later).await;
    assert_eq!(events(db, busy).await, 30);
    walks(db, later.plus(DAY * 2)).await;
    assert_eq!(events(db, busy).await, 20);
    assert_eq!(events(db, quiet).await, before);
    // Everything was passed; what comes is passed once.
    happens(db, busy, owner, 5, later.plus(DAY * 3)).await;
    walks(db, later.plus(DAY * 4)).await;
    assert_eq!(events(db, busy).await, 20);
    assert_eq!(count(db, "SELECT count(*) FROM cleanup_positions").await, 1);
}

#[on_each_database]
async fn failures_are_forgotten_when_their_bytes_are_gone(db: &Database) {
    let owner = user(db, "alice").await;
    let spoiled = |_: &str| failed(ErrorCode::TypeNotAllowed);
    let broken = accepted(db, arrival(owner, "broken", NOW)).await;
    settle_all(db, NOW, spoiled).await;
    let fine = active(db, owner, "fine").await;
    let version = VersionId::new(NOW);
    let content = NewContent {
        version,
        job: JobId::new(NOW),
        declared_type: None,
        staged: Url::parse(&format!("file:///staging/{version}")).unwrap(),
        body: None,
        size: ByteSize::new(3),
        sha256: Sha256::of(b"bad"),
        traceparent: None,
        at: NOW,
    };
    let target = Target {
        document: fine,
        owner,
        precondition: Precondition::None,
    };
    add_version(db, &target, &content, &limits()).await.unwrap();
    settle_all(db, NOW, spoiled).await;
    let later = NOW.plus(DAY);
    let forget = async |before| forget_failures(db, before, 1, later, traces).await.unwrap();
    assert_eq!(forget(later).await, 0, "they could still be tried again");
    expire_failed(db, later, 10, later, traces).await.unwrap();
    assert_eq!(forget(NOW).await, 0);
    assert_eq!(forget(later).await, 1);
    assert_eq!(forget(later).await, 1);
    assert_eq!(forget(later).await, 0);
    assert!(find_document(db, broken).await.unwrap().is_none());
    let kept = find_document(db, fine).await.unwrap().unwrap();
    assert_eq!(
        (kept.lifecycle.status(), kept.latest_version),
        (Status::Active, 2)
    );
    assert_eq!(count(db, "SELECT count(*) FROM versions").await, 1);
    assert_balanced(db).await;
}
