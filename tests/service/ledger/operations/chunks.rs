//! Bulk operations chunk by chunk, under a fence, in turns.

use domain::{DocumentId, ItemCode, ItemResult, OperationId, OperationStatus, Status, UserId};
use ledger::{
    Chunk, Database, DocumentFilter, Outcome, Selection, Task, cancel_operation, find_document,
    find_operation, settle, timeline, undo_operation,
};
use tests::ledger::{
    LEASE, NOW, accepted, active, arrival, assert_balanced, copies, limits, passed, settle_all,
    user,
};
use tests::on_each_database;
use uuid::Uuid;

use super::calls::{
    ask, claim, codes, deal_with, items, roomy, roomy_user, run_dry, settlement, status, step,
    undo_of,
};

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
