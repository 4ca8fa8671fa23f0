//! Imports that are sent again, killed, cancelled or cut off, and others meanwhile.

use std::time::Duration;

use futures::StreamExt;
use reqwest::Method;
use sea_orm::ConnectionTrait;
use serde_json::json;
use tests::app::{Mode, TestApp};
use tests::archives::archive_of;
use tests::in_both_modes;
use tests::poll::wait_until;

use super::files::names;

#[in_both_modes]
async fn an_import_that_is_sent_again_is_answered_again(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app.user("alice").await;
    let archive = archive_of(&[("a.txt", "a")]);
    let send = |archive: bytes::Bytes| {
        let request = alice
            .request(Method::POST, "/v1/operations/import")
            .header("idempotency-key", "one")
            .header("content-type", "application/zip")
            .body(archive);
        alice.send(request)
    };
    let first = send(archive.clone()).await.expecting(202);
    let again = send(archive).await;
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!(again.expecting(202)["id"], first["id"]);
    send(archive_of(&[("b.txt", "b")]))
        .await
        .expect_problem(422, "idempotency_key_reused");
    alice.ended(&first).await;
    assert_eq!(names(&alice).await, ["a.txt"]);
    app.ends_clean().await;
}

#[in_both_modes]
async fn a_killed_import_goes_on_and_takes_each_file_in_once(mode: Mode) {
    let app = TestApp::builder(mode)
        .settings(&[("DOSSIER_LEASE", "2s")])
        .start()
        .await;
    let alice = app.user("alice").await;
    let files: Vec<_> = (0..700)
        .map(|index| (format!("{index:03}.txt"), format!("text {index}")))
        .collect();
    let files: Vec<_> = files
        .iter()
        .map(|(name, text)| (name.as_str(), text.as_str()))
        .collect();
    let begun = alice
        .begins_import(archive_of(&files), "?on_conflict=fail")
        .await;
    for round in 0..3 {
        // The kill comes at another moment of the work each time.
        tokio::time::sleep(Duration::from_millis(150 * (round + 1))).await;
        for worker in app.workers() {
            worker.kill().await;
            worker.restart().await;
        }
    }
    let imported = alice.ended(&begun).await;
    assert_eq!(
        (imported["status"].as_str(), imported["succeeded"].as_u64()),
        (Some("completed"), Some(700)),
        "{imported}"
    );
}

#[in_both_modes]
async fn a_cancelled_import_leaves_the_rest_out(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app.user("alice").await;
    let files: Vec<_> = (0..600)
        .map(|index| (format!("{index:03}.txt"), format!("text {index}")))
        .collect();
    let files: Vec<_> = files
        .iter()
        .map(|(name, text)| (name.as_str(), text.as_str()))
        .collect();
    let begun = alice.begins_import(archive_of(&files), "").await;
    let path = format!("/v1/operations/{}/cancel", begun["id"].as_str().unwrap());
    alice
        .post_json(&path, &json!({}))
        .await
        .expect_status(202)
        .await;
    let imported = alice.ended(&begun).await;
    assert_eq!(imported["status"], "cancelled", "{imported}");
    let count = |name: &str| imported[name].as_u64().unwrap();
    assert_eq!(count("succeeded") + count("skipped"), count("total"));
    assert_eq!(
        names(&alice).await.len() as u64,
        count("succeeded").min(200)
    );
    app.ends_clean().await;
}

#[in_both_modes]
async fn a_large_import_does_not_hold_up_others(mode: Mode) {
    let app = TestApp::start(mode).await;
    let (alice, bob) = (app.user("alice").await, app.user("bob").await);
    let files: Vec<_> = (0..1500)
        .map(|index| (format!("{index:04}.txt"), format!("text {index}")))
        .collect();
    let files: Vec<_> = files
        .iter()
        .map(|(name, text)| (name.as_str(), text.as_str()))
        .collect();
    let begun = alice.begins_import(archive_of(&files), "").await;
    let path = format!("/v1/operations/{}", begun["id"].as_str().unwrap());
    while alice.get("/v1/documents?limit=1").await.expecting(200)["items"] == json!([]) {
        tokio::task::yield_now().await;
    }
    bob.active("single.txt", "single").await;
    let operation = alice.get(&path).await.expecting(200);
    assert_eq!(
        operation["status"], "running",
        "the import was over before: {operation}"
    );
    let imported = alice.ended(&begun).await;
    assert_eq!(imported["succeeded"], 1500, "{imported}");
    app.ends_clean().await;
}

/// So many objects are in storage.
async fn kept(app: &TestApp) -> usize {
    let objects = app.places().await.store().list(None).await.unwrap();
    objects.count().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_may_have_been_taken_in_is_not_removed_when_an_import_is_cut_off() {
    let settings = [("DOSSIER_GRACE", "1s"), ("DOSSIER_LEASE", "2s")];
    let app = Box::pin(
        TestApp::builder(Mode::Distributed)
            .settings(&settings)
            .start(),
    )
    .await;
    let alice = app.user("alice").await;
    let db = app.database().await;
    // Documents can be read, but not added: the transaction that takes the files in stands still.
    let others = db.begin().await.unwrap();
    let hold = "LOCK TABLE documents IN SHARE MODE";
    others.execute_unprepared(hold).await.unwrap();
    let archive = archive_of(&[("a.txt", "one text"), ("b.txt", "another text")]);
    let begun = alice.begins_import(archive, "").await;
    let waiting = "SELECT count(*) FROM pg_stat_activity \
         WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let waits = async || app.number(waiting).await > 0;
    wait_until(Duration::from_mins(1), "the transaction waits", waits).await;
    assert_eq!(kept(&app).await, 3, "the archive and two files");
    for worker in app.workers() {
        worker.terminate().await;
    }
    assert_eq!(kept(&app).await, 3, "rows may refer to the files");
    others.rollback().await.unwrap();
    for worker in app.workers() {
        worker.restart().await;
    }
    let imported = alice.ended(&begun).await;
    assert_eq!(imported["succeeded"], 2, "{imported}");
    assert_eq!(names(&alice).await, ["a.txt", "b.txt"]);
    // Those of the first attempt are strays now, for the cleanup.
    app.ends_whole(2).await;
}
