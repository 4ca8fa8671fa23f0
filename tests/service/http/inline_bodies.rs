//! Small uploads: their bytes are in the database until a worker has stored them.

use domain::Sha256;
use serde_json::Value;
use tests::app::{Client, Mode, TestApp};
use tests::content::pseudo_random;
use tests::in_both_modes;
use tests::servers::Flow;

const INLINE: (&str, &str) = ("DOSSIER_INLINE_BYTES", "1000");
const BODIES: &str = "SELECT count(*) FROM versions WHERE body IS NOT NULL";

/// Stops what works on jobs, and leaves what takes uploads in.
fn pause_workers(app: &TestApp) {
    for worker in app.workers() {
        worker.pause();
    }
}

fn resume_workers(app: &TestApp) {
    for worker in app.workers() {
        worker.resume();
    }
}

async fn paused(settings: &[(&str, &str)]) -> (TestApp, Client) {
    let app = TestApp::builder(Mode::Distributed)
        .settings(settings)
        .start();
    let app = Box::pin(app).await;
    let alice = app.user("alice").await;
    pause_workers(&app);
    (app, alice)
}

async fn ends_as(app: &TestApp, alice: &Client, document: &Value, code: &str) {
    resume_workers(app);
    let failed = alice.settled(document).await;
    assert_eq!(failed["error"]["code"], code, "{failed}");
    app.ends_clean().await;
}

#[in_both_modes]
async fn every_size_around_the_limit_comes_back(mode: Mode) {
    let app = TestApp::builder(mode).settings(&[INLINE]).start();
    let app = Box::pin(app).await;
    let alice = app.user("alice").await;
    for size in [0, 1, 999, 1_000, 1_001, 70_000] {
        let bytes = pseudo_random(size as u64, size);
        let accepted = alice.uploads("a.bin", bytes.clone()).await;
        assert_eq!(accepted["sha256"], Sha256::of(&bytes).to_string());
        let active = alice.settled(&accepted).await;
        assert_eq!(active["status"], "active", "{size}: {active}");
        assert!(alice.downloads(&active).await == bytes, "{size}");
    }
    assert_eq!(app.number(BODIES).await, 0);
    app.ends_clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_small_bytes_wait_in_the_database() {
    let (app, alice) = paused(&[INLINE]).await;
    let small = alice.uploads("small.bin", pseudo_random(1, 1_000)).await;
    assert_eq!(app.number(BODIES).await, 1);
    let large = alice.uploads("large.bin", pseudo_random(2, 1_001)).await;
    assert_eq!(app.number(BODIES).await, 1);

    // The audit misses no object for either.
    let audit = app.command(&["audit"]).await;
    assert_eq!(audit.code, 0, "{}", audit.printed);

    resume_workers(&app);
    for document in [small, large] {
        assert_eq!(alice.settled(&document).await["status"], "active");
    }
    assert_eq!(app.number(BODIES).await, 0);
    app.ends_clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bytes_that_changed_in_their_row_are_refused() {
    let (app, alice) = paused(&[]).await;
    let document = alice.uploads("a.txt", "one, two").await;
    let changed = "UPDATE versions SET body = decode('6f6e652c2074776e', 'hex')";
    assert_eq!(app.tampers(changed).await, 1);
    ends_as(&app, &alice, &document, "digest_mismatch").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bytes_that_are_missing_in_their_row_are_refused() {
    let (app, alice) = paused(&[]).await;
    let document = alice.uploads("a.txt", "one, two").await;
    let cut = "UPDATE versions SET body = decode('6f6e65', 'hex')";
    assert_eq!(app.tampers(cut).await, 1);
    ends_as(&app, &alice, &document, "upload_incomplete").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_document_that_is_deleted_before_it_is_stored_leaves_nothing() {
    let (app, alice) = paused(&[]).await;
    let document = alice.uploads("a.txt", "one, two").await;
    let path = format!("/v1/documents/{}", document["id"].as_str().unwrap());
    assert_eq!(alice.delete(&path).await.status, 204);
    assert_eq!(app.number(BODIES).await, 0);
    resume_workers(&app);
    app.ends_clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn small_uploads_are_accepted_while_storage_is_away() {
    let app = TestApp::builder(Mode::Distributed).breakable().start();
    let app = Box::pin(app).await;
    let alice = app.user("alice").await;
    app.breakable().storage.set(Flow::Shut);
    let document = alice.uploads("a.txt", "one, two").await;
    app.breakable().storage.set(Flow::Open);
    let active = alice.settled(&document).await;
    assert_eq!(active["status"], "active", "{active}");
    assert_eq!(alice.downloads(&active).await, "one, two");
    app.ends_clean().await;
}
