//! The removal of a user on each database: hidden at once, gone in parts, finished by whoever
//! comes.

use std::time::Duration;

use domain::{DocumentId, OperationId, OperationLimits, RunMode, Sha256, UserId};
use ledger::{
    Database, DocumentChanges, KeyedRequest, NewOperation, Precondition, Selection, Target, Task,
    UserPage, begin_request, create_operation, delete_document, edit_document, find_public,
    find_user, finish_removal, list_users, remove_user,
};
use sea_orm::{ConnectionTrait, DbBackend};
use tests::ledger::{NOW, active, assert_balanced, copies, count, user};
use tests::on_each_database;

fn traces(staged: &str) -> Vec<String> {
    vec![staged.to_owned()]
}

fn target(document: DocumentId, owner: UserId) -> Target {
    Target {
        document,
        owner,
        precondition: Precondition::None,
    }
}

/// Gives a document so many versions more, with the content of its first.
async fn gets_versions(db: &Database, document: DocumentId, versions: u32) {
    let (new_id, id) = match db.writer().get_database_backend() {
        DbBackend::Postgres => ("gen_random_uuid()", format!("'{}'", document.0)),
        _ => (
            "randomblob(16)",
            format!("unhex('{}')", document.0.simple()),
        ),
    };
    let statements = [
        format!(
            "WITH RECURSIVE times (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM times WHERE n < {versions}) \
             INSERT INTO versions (id, document_id, owner_id, number, status, name, declared_type, mime_type, \
             type_mismatch, size_bytes, sha256, blob_id, created_at, settled_at) \
             SELECT {new_id}, document_id, owner_id, number + n, status, name, declared_type, mime_type, \
             type_mismatch, size_bytes, sha256, blob_id, created_at, settled_at FROM versions, times \
             WHERE document_id = {id} AND number = 1"
        ),
        format!(
            "UPDATE documents SET version = {0}, latest_version = {0} WHERE id = {id}",
            versions + 1
        ),
        "UPDATE blobs SET refs = (SELECT count(*) FROM versions WHERE blob_id = blobs.id)"
            .to_owned(),
        "UPDATE users SET used_bytes = (SELECT COALESCE(sum(size_bytes), 0) FROM versions \
         WHERE owner_id = users.id AND status = 'active')"
            .to_owned(),
    ];
    for sql in statements {
        db.writer().execute_unprepared(&sql).await.unwrap();
    }
}

/// Asks for an operation on so many documents that aren't there, which has ended at once.
async fn has_operation(db: &Database, owner: UserId, items: usize) {
    let new = NewOperation {
        id: OperationId::new(NOW),
        owner,
        task: Task::Archive,
        selection: Selection::Ids((0..items).map(|_| DocumentId::new(NOW)).collect()),
        mode: RunMode::Dry,
        traceparent: None,
        at: NOW,
    };
    create_operation(db, &new, &OperationLimits::default())
        .await
        .unwrap();
    let ended = "UPDATE operations SET status = 'completed', started_at = 1, finished_at = 1, \
         skipped = total, next_position = total";
    db.writer().execute_unprepared(ended).await.unwrap();
}

async fn nothing_is_left_but_of(db: &Database, bob: UserId) {
    for table in [
        "documents",
        "versions",
        "events",
        "operations",
        "idempotency",
        "api_keys",
    ] {
        let column = if table == "api_keys" {
            "user_id"
        } else {
            "owner_id"
        };
        let others = format!(
            "SELECT count(*) FROM {table} WHERE {column} <> (SELECT id FROM users WHERE name = 'bob')"
        );
        assert_eq!(count(db, &others).await, 0, "{table}");
    }
    assert_eq!(count(db, "SELECT count(*) FROM operation_items").await, 0);
    assert_eq!(count(db, "SELECT count(*) FROM users").await, 1);
    assert!(find_user(db, bob).await.unwrap().is_some());
    assert_balanced(db).await;
}

#[on_each_database]
async fn a_user_with_more_than_one_part_goes_whole(db: &Database) {
    let (alice, bob) = (user(db, "alice").await, user(db, "bob").await);
    active(db, bob, "shared").await;
    let large = active(db, alice, "shared").await;
    let many = active(db, alice, "own").await;
    gets_versions(db, large, 2_500).await;
    copies(db, many, 230).await;
    has_operation(db, alice, 4_100).await;
    for number in 0..3 {
        let key = number.to_string();
        let request = KeyedRequest {
            owner: alice,
            key,
            hash: Sha256::of(b"a"),
        };
        begin_request(db, &request, NOW, Duration::from_mins(2))
            .await
            .unwrap();
    }
    assert!(remove_user(db, alice, NOW, traces).await.unwrap().is_some());
    nothing_is_left_but_of(db, bob).await;
    // The job that would have finished it isn't needed any more.
    assert_eq!(
        count(db, "SELECT count(*) FROM jobs WHERE kind = 'remove_user'").await,
        0
    );
    assert_eq!(count(db, "SELECT count(*) FROM blobs").await, 1);
    assert!(remove_user(db, alice, NOW, traces).await.unwrap().is_none());
}

#[on_each_database]
async fn a_document_of_many_versions_goes_behind_one_of_few(db: &Database) {
    let (alice, bob) = (user(db, "alice").await, user(db, "bob").await);
    active(db, alice, "own").await;
    let large = active(db, alice, "shared").await;
    gets_versions(db, large, 1_500).await;
    let later = "UPDATE documents SET created_at = created_at + 1 WHERE latest_version > 1";
    db.writer().execute_unprepared(later).await.unwrap();
    assert!(remove_user(db, alice, NOW, traces).await.unwrap().is_some());
    nothing_is_left_but_of(db, bob).await;
}

#[on_each_database]
async fn who_is_marked_is_gone_and_removed_by_whoever_comes(db: &Database) {
    let (alice, bob) = (user(db, "alice").await, user(db, "bob").await);
    let public = active(db, alice, "content").await;
    let named = DocumentChanges {
        unique_name: Some(Some("report".parse().unwrap())),
        is_public: Some(true),
        ..DocumentChanges::default()
    };
    edit_document(db, &target(public, alice), named, NOW)
        .await
        .unwrap();
    copies(db, public, 450).await;
    // The request is given up when the mark is there.
    tokio::select! {
        biased;
        () = async {
            while find_user(db, alice).await.unwrap().is_some() {
                tokio::task::yield_now().await;
            }
        } => {}
        removed = remove_user(db, alice, NOW, traces) => {
            removed.unwrap();
        }
    }
    assert!(
        find_public(db, &"report".parse().unwrap())
            .await
            .unwrap()
            .is_none()
    );
    let listed = list_users(
        db,
        UserPage {
            before: None,
            limit: 10,
        },
    )
    .await
    .unwrap();
    assert_eq!(listed.iter().map(|user| user.id).collect::<Vec<_>>(), [bob]);
    assert!(remove_user(db, alice, NOW, traces).await.unwrap().is_none());
    finish_removal(db, alice, NOW, traces).await.unwrap();
    nothing_is_left_but_of(db, bob).await;
    assert!(
        finish_removal(db, alice, NOW, traces)
            .await
            .unwrap()
            .is_none()
    );
}

#[on_each_database]
async fn a_document_with_as_many_versions_as_may_be_is_deleted_at_once(db: &Database) {
    let owner = user(db, "alice").await;
    let document = active(db, owner, "content").await;
    gets_versions(db, document, 9_999).await;
    delete_document(db, &target(document, owner), NOW, traces)
        .await
        .unwrap();
    assert_eq!(count(db, "SELECT count(*) FROM versions").await, 0);
    assert_balanced(db).await;
}
