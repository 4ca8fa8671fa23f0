//! What operations do to documents, and what they leave.

use std::time::Duration;

use domain::{ErrorCode, ItemCode, ItemResult, OperationId, OperationStatus, RunMode, Status};
use ledger::{
    Database, DocumentChanges, DocumentFilter, NewOperation, Selection, Task, create_operation,
    edit_document, find_document, find_operation, undo_operation,
};
use serde_json::json;
use tests::ledger::{
    NOW, accepted, active, arrival, assert_balanced, copies, counters, failed, limits, passed,
    settle_all, user,
};
use tests::on_each_database;

use super::calls::{
    ask, ask_as, codes, items, roomy, roomy_user, run_dry, status, target, undo_of,
};

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
    // What is left of their events tells that they were deleted.
    let timelines = "events WHERE type IS NULL";
    for gone in ["documents", "versions", "blobs", timelines] {
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
