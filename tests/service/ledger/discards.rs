//! Bytes that users let go of and that wait to be removed: charged to those users until then, so
//! that who uploads and deletes while nobody removes anything meets a bound of their own.

use std::time::Duration;

use domain::{DocumentId, ErrorCode, UserId};
use ledger::{
    Database, Precondition, Target, delete_document, discard_level, discarded, expire_failed,
    forget_discarded, mend_discarded_bytes, upload_room,
};
use reqwest::Method;
use sea_orm::ConnectionTrait;
use serde_json::json;
use tests::app::{Mode, TestApp};
use tests::content::{PDF, pseudo_random};
use tests::ledger::{
    NOW, accepted, active, arrival, assert_balanced, count, failed, limits, settle_all, user,
};
use tests::poll::wait_until;
use tests::{in_both_modes, on_each_database};
use uuid::Uuid;

const MIB: usize = 1 << 20;

/// What an object is charged at least.
const BLOCK: u64 = 4 << 10;

fn traces(staged: &str) -> Vec<String> {
    vec![staged.to_owned(), staged.replace("staging", "store")]
}

async fn deletes(db: &Database, owner: UserId, document: DocumentId) {
    let target = Target {
        document,
        owner,
        precondition: Precondition::None,
    };
    delete_document(db, &target, NOW, traces).await.unwrap();
}

/// What a user is charged for bytes that wait.
async fn charged(db: &Database, owner: UserId) -> u64 {
    let most = limits().removal_allowance(&domain::Quota::default());
    let room = upload_room(db, (owner, Uuid::nil()), &limits(), NOW).await;
    most.bytes() - room.unwrap().unwrap().removal
}

async fn forgets_all(db: &Database) {
    let urls = discarded(db, "", 100).await.unwrap();
    forget_discarded(db, &urls).await.unwrap();
}

#[in_both_modes]
async fn who_uploads_and_deletes_in_a_loop_is_stopped_while_nobody_removes(mode: Mode) {
    let app = TestApp::start(mode).await;
    for worker in app.workers() {
        worker.terminate().await;
        worker
            .restart_with(&[("DOSSIER_QUEUES", "ingest,bulk")])
            .await;
    }
    let alice = app
        .user_with(json!({"name": "alice", "quota_bytes": MIB, "quota_documents": 10}))
        .await;
    let mut rounds = 0;
    let refused = loop {
        let content = [PDF, &pseudo_random(rounds, 1_000 << 10)].concat();
        let request = alice.request(Method::POST, "/v1/documents?name=loop.pdf");
        let answer = alice.send(request.body(content)).await;
        if answer.status != 202 {
            break answer;
        }
        let document = alice.settled(&answer.json()).await;
        assert_eq!(document["status"], "active", "{document}");
        let path = format!("/v1/documents/{}", document["id"].as_str().unwrap());
        alice.delete(&path).await.expecting(204);
        rounds += 1;
        assert!(rounds < 40, "nothing stops it");
    };
    refused.expect_problem(503, "storage_full");
    assert!(refused.header("retry-after").parse::<u32>().is_ok());
    assert!(
        refused.json()["detail"]
            .as_str()
            .unwrap()
            .contains("deleted")
    );
    // The quota twice, and 16 MiB.
    assert!((17..=18).contains(&rounds), "{rounds}");
    let import = alice.request(Method::POST, "/v1/operations/import");
    let import = import.header("content-type", "application/zip").body("PK");
    alice.send(import).await.expect_problem(503, "storage_full");
    let meters = reqwest::get(format!("{}/metrics", app.ingress().ops()))
        .await
        .unwrap();
    let meters = meters.text().await.unwrap();
    let waiting = meters
        .lines()
        .find_map(|line| line.strip_prefix("dossier_discarded_bytes "));
    assert!(
        waiting.unwrap().parse::<usize>().unwrap() > 16 * MIB,
        "{waiting:?}"
    );
    // Others go on, and so does what needs no room.
    let bob = app.user("bob").await;
    bob.active("report.pdf", PDF).await;
    assert_eq!(
        alice.get("/v1/usage").await.expecting(200)["bytes"]["used"],
        0
    );

    for worker in app.workers() {
        worker.terminate().await;
        worker.restart().await;
    }
    let nothing_waits = async || app.number("SELECT count(*) FROM discards").await == 0;
    wait_until(Duration::from_mins(1), "all is removed", nothing_waits).await;
    alice.active("again.pdf", PDF).await;
    app.ends_clean().await;
}

#[on_each_database]
async fn whoever_lets_go_of_bytes_is_charged_until_they_are_removed(db: &Database) {
    let owner = user(db, "alice").await;
    let kept = active(db, owner, "some words").await;
    let small = active(db, owner, "small").await;
    assert_eq!(charged(db, owner).await, 0);
    deletes(db, owner, kept).await;
    deletes(db, owner, small).await;
    let both = 2 * BLOCK;
    assert_eq!(charged(db, owner).await, both);
    let level = discard_level(db).await.unwrap();
    assert_eq!((level.objects, level.bytes), (2, both));
    assert_balanced(db).await;
    forgets_all(db).await;
    assert_eq!(charged(db, owner).await, 0);
    // One that is pending may lie in either place, and is charged once.
    let pending = accepted(db, arrival(owner, "pending", NOW)).await;
    deletes(db, owner, pending).await;
    assert_eq!(discarded(db, "", 10).await.unwrap().len(), 2);
    assert_eq!(charged(db, owner).await, BLOCK);
    forgets_all(db).await;
    // Bytes of one that failed are moved from one counter to the other.
    accepted(db, arrival(owner, "refused", NOW)).await;
    settle_all(db, NOW, |_| failed(ErrorCode::TypeNotAllowed)).await;
    let later = NOW.plus(Duration::from_secs(1));
    assert_eq!(
        expire_failed(db, later, 10, later, traces).await.unwrap(),
        1
    );
    assert_eq!(charged(db, owner).await, BLOCK);
    assert_balanced(db).await;
    forgets_all(db).await;
    assert_balanced(db).await;
}

#[on_each_database]
async fn shared_content_is_charged_to_who_lets_go_of_it_last(db: &Database) {
    let (alice, bob) = (user(db, "alice").await, user(db, "bob").await);
    let of_alice = active(db, alice, "the same words").await;
    let of_bob = active(db, bob, "the same words").await;
    deletes(db, alice, of_alice).await;
    assert_eq!((charged(db, alice).await, charged(db, bob).await), (0, 0));
    deletes(db, bob, of_bob).await;
    assert_eq!(
        (charged(db, alice).await, charged(db, bob).await),
        (0, BLOCK)
    );
    assert_balanced(db).await;
}

#[on_each_database]
async fn a_removal_that_charged_nothing_back_is_mended(db: &Database) {
    let (alice, bob) = (user(db, "alice").await, user(db, "bob").await);
    let of_alice = active(db, alice, "words of alice").await;
    let of_bob = active(db, bob, "words of bob").await;
    deletes(db, alice, of_alice).await;
    // As a release does that doesn't know of the counter.
    db.writer()
        .execute_unprepared("DELETE FROM discards")
        .await
        .unwrap();
    deletes(db, bob, of_bob).await;
    mend_discarded_bytes(db).await.unwrap();
    assert_eq!(
        (charged(db, alice).await, charged(db, bob).await),
        (0, BLOCK)
    );
    assert_balanced(db).await;
    assert_eq!(count(db, "SELECT count(*) FROM discards").await, 1);
}
