//! What an operation keeps of former documents, and what is taken back by it.

use domain::{
    ByteSize, ItemCode, ItemResult, Lifecycle, Limits, OperationLimits, Status, Timestamp,
};
use ledger::{
    Database, DocumentChanges, Selection, Task, archive_document, edit_document, find_document,
    remove_expired_operation, undo_operation,
};
use serde_json::json;
use tests::ledger::{NOW, active, copies, count, limits, user};
use tests::on_each_database;

use super::calls::{ask, codes, run_dry, target, undo_of};

#[on_each_database]
async fn an_update_keeps_what_it_changed_alone(db: &Database) {
    let owner = user(db, "alice").await;
    let first = active(db, owner, "hello").await;
    let all = copies(db, first, 3).await;
    let said = json!({"large": "x".repeat(16_000), "count": 1e5, "gone": {"a": 1}});
    for document in &all {
        let edit = DocumentChanges {
            metadata: Some(said.clone()),
            ..DocumentChanges::default()
        };
        edit_document(db, &target(*document, owner), edit, NOW)
            .await
            .unwrap();
    }
    let before = find_document(db, all[0]).await.unwrap().unwrap();
    let changes = DocumentChanges {
        metadata: Some(json!({"count": 2, "gone": null, "new": true})),
        ..DocumentChanges::default()
    };
    let id = ask(
        db,
        owner,
        Task::Update(changes),
        Selection::Ids(all.clone()),
    )
    .await;
    run_dry(db, &limits()).await;
    let kept = count(
        db,
        "SELECT CAST(sum(before_bytes) AS bigint) FROM operations",
    )
    .await;
    assert!((1..1_000).contains(&kept), "{kept}");
    undo_operation(db, &undo_of(id, owner), &limits().operations)
        .await
        .unwrap();
    run_dry(db, &limits()).await;
    let after = find_document(db, all[0]).await.unwrap().unwrap();
    assert_eq!(after.metadata, before.metadata);
    // Taking back keeps no copy.
    assert_eq!(
        count(
            db,
            "SELECT CAST(sum(before_bytes) AS bigint) FROM operations"
        )
        .await,
        kept
    );
    assert_eq!(
        count(
            db,
            "SELECT count(*) FROM operation_items WHERE before IS NOT NULL"
        )
        .await,
        3
    );
}

#[on_each_database]
async fn what_documents_were_is_kept_within_a_bound(db: &Database) {
    let owner = user(db, "alice").await;
    let first = active(db, owner, "hello").await;
    let all = copies(db, first, 3).await;
    let operations = OperationLimits {
        before: ByteSize::new(100_000),
        ..OperationLimits::default()
    };
    let limits = Limits {
        operations,
        ..limits()
    };
    let text = |letter: &str| json!({"text": letter.repeat(16_000)});
    let update = |letter: &str| {
        Task::Update(DocumentChanges {
            metadata: Some(text(letter)),
            ..DocumentChanges::default()
        })
    };
    // 48 kB each, but for the first.
    for letter in ["a", "b", "c", "d", "e", "f"] {
        let id = ask(db, owner, update(letter), Selection::Ids(all.clone())).await;
        run_dry(db, &limits).await;
        assert_eq!(
            codes(db, id).await,
            [(ItemResult::Succeeded, None); 3],
            "{letter}"
        );
    }
    let hidden =
        "SELECT CAST(sum(before_bytes) AS bigint) FROM operations WHERE expired_at IS NOT NULL";
    assert!((96_000..100_000).contains(&count(db, hidden).await));
    // What waits to be removed counts as well, or it could be made faster than it goes.
    let refused = ask(db, owner, update("g"), Selection::Ids(all.clone())).await;
    run_dry(db, &limits).await;
    assert_eq!(
        codes(db, refused).await,
        [(ItemResult::Failed, Some(ItemCode::QuotaExceeded)); 3]
    );
    while remove_expired_operation(db, NOW).await.unwrap() {}
    let all_kept = "SELECT CAST(sum(before_bytes) AS bigint) FROM operations";
    assert!(count(db, all_kept).await < 100_000);
    let last = ask(db, owner, update("h"), Selection::Ids(all.clone())).await;
    run_dry(db, &limits).await;
    undo_operation(db, &undo_of(last, owner), &limits.operations)
        .await
        .unwrap();
    run_dry(db, &limits).await;
    let back = find_document(db, all[2]).await.unwrap().unwrap();
    assert_eq!(json!(back.metadata.as_object()), text("f"));
}

#[on_each_database]
async fn what_was_changed_since_is_left_alone_when_an_operation_is_taken_back(db: &Database) {
    let owner = user(db, "alice").await;
    let first = active(db, owner, "hello").await;
    let all = copies(db, first, 3).await;
    let long_ago = Timestamp::from_micros(NOW.as_micros() - 1_000_000);
    archive_document(db, &target(all[0], owner), long_ago)
        .await
        .unwrap();
    archive_document(db, &target(all[1], owner), long_ago)
        .await
        .unwrap();
    archive_document(db, &target(all[2], owner), long_ago)
        .await
        .unwrap();
    let id = ask(db, owner, Task::Restore, Selection::Ids(all.clone())).await;
    run_dry(db, &limits()).await;
    let renamed = DocumentChanges {
        name: Some("mine".parse().unwrap()),
        ..DocumentChanges::default()
    };
    edit_document(db, &target(all[1], owner), renamed, NOW)
        .await
        .unwrap();
    ledger::delete_document(db, &target(all[2], owner), NOW, |_| vec![])
        .await
        .unwrap();
    let undo = undo_of(id, owner);
    undo_operation(db, &undo, &limits().operations)
        .await
        .unwrap();
    run_dry(db, &limits()).await;
    assert_eq!(
        codes(db, undo.id).await,
        [
            (ItemResult::Succeeded, None),
            (ItemResult::Skipped, Some(ItemCode::RevisionMismatch)),
            (ItemResult::Skipped, Some(ItemCode::NotFound)),
        ]
    );
    let back = find_document(db, all[0]).await.unwrap().unwrap();
    assert!(matches!(back.lifecycle, Lifecycle::Archived { since, .. } if since == long_ago));
    assert_eq!(
        find_document(db, all[1])
            .await
            .unwrap()
            .unwrap()
            .lifecycle
            .status(),
        Status::Active
    );
}
