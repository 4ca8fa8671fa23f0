//! What uploads hold of the quota, how many may be open, and how they end by themselves.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures::future::join_all;
use futures::stream;
use queue::JobKind;
use reqwest::{Body, Method};
use serde_json::json;
use tests::app::{Mode, TestApp};
use tests::content::pseudo_random;
use tests::in_both_modes;
use tests::poll::wait_until;
use tests::tus::{self, append, creation, metadata, request};
use tokio::time::sleep;

const PATIENCE: Duration = Duration::from_secs(90);

#[in_both_modes]
async fn the_length_is_reserved_before_a_byte_comes(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app
        .user_with(json!({"name": "alice", "quota_bytes": 1_000}))
        .await;
    let path = tus::create(&alice, "a.bin", 600).await;
    let usage = alice.get("/v1/usage").await.expecting(200);
    assert_eq!(usage["bytes"]["reserved"], 600);
    alice
        .send(creation(&alice, "b.bin", 401))
        .await
        .expect_problem(403, "quota_exceeded");
    let upload = tests::app::Upload::new("c.bin", pseudo_random(1, 401));
    alice
        .try_upload(upload)
        .await
        .unwrap()
        .expect_problem(403, "quota_exceeded");
    let last = tus::patch(&alice, &path, 0, pseudo_random(2, 600)).await;
    tus::document(&alice, &last).await;
    let usage = alice.get("/v1/usage").await.expecting(200);
    assert_eq!(
        (&usage["bytes"]["used"], &usage["bytes"]["reserved"]),
        (&json!(600), &json!(0))
    );
    app.ends_clean().await;
}

#[in_both_modes]
async fn a_race_for_the_quota_never_passes_it(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app
        .user_with(json!({"name": "alice", "quota_bytes": 1_000}))
        .await;
    let creations = (0..20).map(|number| {
        let create = creation(&alice, &format!("{number}.bin"), 100);
        alice.send(create)
    });
    let answers = join_all(creations).await;
    let created = answers
        .iter()
        .filter(|answer| answer.status.as_u16() == 201)
        .count();
    assert_eq!(created, 10);
    for answer in answers
        .iter()
        .filter(|answer| answer.status.as_u16() != 201)
    {
        answer.expect_problem(403, "quota_exceeded");
    }
    app.ends_clean().await;
}

#[in_both_modes]
async fn an_upload_of_unknown_length_ends_where_the_quota_does(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app
        .user_with(json!({"name": "alice", "quota_bytes": 1_000}))
        .await;
    let create = request(&alice, Method::POST, "/v1/uploads")
        .header("upload-defer-length", 1)
        .header("upload-metadata", metadata(&[("filename", "a.bin")]));
    let path = alice.send(create).await.header("location").to_owned();
    tus::patch(&alice, &path, 0, pseudo_random(1, 900))
        .await
        .expecting(204);
    let answer = tus::patch(&alice, &path, 900, pseudo_random(1, 200)).await;
    answer.expect_problem(403, "quota_exceeded");
    let offset = tus::offset(&alice, &path).await;
    assert!((900..=1_000).contains(&offset), "{offset}");
    let rest = append(&alice, &path, offset, Vec::new()).header("upload-length", offset);
    tus::document(&alice, &alice.send(rest).await).await;
    app.ends_clean().await;
}

#[in_both_modes]
async fn a_user_has_only_so_many_open_uploads(mode: Mode) {
    let app = TestApp::builder(mode)
        .settings(&[("DOSSIER_MAX_OPEN_UPLOADS", "3")])
        .start()
        .await;
    let (alice, bob) = (app.user("alice").await, app.user("bob").await);
    let mut paths = Vec::new();
    for number in 0..3 {
        paths.push(tus::create(&alice, &format!("{number}.bin"), 1).await);
    }
    let fourth = alice.send(creation(&alice, "3.bin", 1)).await;
    fourth.expect_problem(429, "too_many_uploads");
    assert!(!fourth.header("retry-after").is_empty());
    tus::create(&bob, "0.bin", 1).await;
    tus::patch(&alice, &paths[0], 0, "x".into())
        .await
        .expecting(204);
    tus::create(&alice, "3.bin", 1).await;
    app.ends_clean().await;
}

#[in_both_modes]
async fn an_upload_expires_after_its_last_byte(mode: Mode) {
    let app = TestApp::builder(mode)
        .settings(&[("DOSSIER_UPLOAD_EXPIRES", "2s")])
        .start()
        .await;
    let alice = app.user("alice").await;
    let path = tus::create(&alice, "a.bin", 8 << 20).await;
    tus::patch(&alice, &path, 0, pseudo_random(1, 6 << 20))
        .await
        .expecting(204);
    // Whether the sweep has come by or not.
    wait_until(PATIENCE, "it has expired", async || {
        tus::head(&alice, &path).await.status.as_u16() != 200
    })
    .await;
    // Known for a moment, and then not any more.
    let gone = tus::patch(&alice, &path, 6 << 20, "x".into()).await;
    assert!(matches!(gone.status.as_u16(), 404 | 410), "{gone:?}");
    wait_until(PATIENCE, "its reservation is given back", async || {
        app.works_off(JobKind::ExpireUploads).await;
        let usage = alice.get("/v1/usage").await.expecting(200);
        usage["bytes"]["reserved"] == 0
    })
    .await;
    wait_until(PATIENCE, "it is forgotten", async || {
        app.works_off(JobKind::ExpireUploads).await;
        app.number("SELECT count(*) FROM uploads").await == 0
    })
    .await;
    app.ends_clean().await;
}

/// A body that comes slowly until `goes_on`, and then at once.
fn trickling(bytes: Bytes, goes_on: Arc<AtomicBool>) -> Body {
    let pieces = stream::unfold(bytes, move |mut left| {
        let goes_on = Arc::clone(&goes_on);
        async move {
            let piece = if goes_on.load(Ordering::SeqCst) || left.len() < 64 {
                std::mem::take(&mut left)
            } else {
                // As slow as a sender may be, and some more.
                sleep(Duration::from_millis(50)).await;
                left.split_to(64)
            };
            (!piece.is_empty()).then_some((Ok::<_, std::io::Error>(piece), left))
        }
    });
    Body::wrap_stream(pieces)
}

#[in_both_modes]
async fn an_upload_that_is_written_doesn_t_expire(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app.user("alice").await;
    let bytes = pseudo_random(3, 1 << 20);
    let path = tus::create(&alice, "noise.bin", bytes.len()).await;
    let goes_on = Arc::new(AtomicBool::new(false));
    let body = trickling(bytes.clone(), Arc::clone(&goes_on));
    let request = append(&alice, &path, 0, body);
    let client = alice.clone();
    let writing = tokio::spawn(async move { client.send(request).await });
    let held = "SELECT count(*) FROM uploads WHERE held_parts > 0";
    wait_until(PATIENCE, "it is under way", async || {
        app.number(held).await == 1
    })
    .await;
    app.tampers("UPDATE uploads SET expires_at = 1").await;
    app.works_off(JobKind::ExpireUploads).await;
    goes_on.store(true, Ordering::SeqCst);
    let last = writing.await.unwrap();
    last.expecting(204);
    let document = tus::document(&alice, &last).await;
    assert!(alice.downloads(&document).await == bytes);
    app.ends_clean().await;
}

#[in_both_modes]
async fn what_the_intake_refuses_at_the_end_is_gone(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app.user("alice").await;
    let create = request(&alice, Method::POST, "/v1/uploads")
        .header("upload-length", 3)
        .header(
            "upload-metadata",
            metadata(&[("filename", "a.bin"), ("unique_name", "taken")]),
        );
    let path = alice.send(create).await.header("location").to_owned();
    let document = alice.active("b.bin", "b").await;
    let taken = format!("/v1/documents/{}", document["id"].as_str().unwrap());
    alice
        .patch_json(&taken, &json!({"unique_name": "taken"}))
        .await
        .expecting(200);
    let refused = tus::patch(&alice, &path, 0, "abc".into()).await;
    refused.expect_problem(409, "unique_name_taken");
    assert_eq!(tus::head(&alice, &path).await.status.as_u16(), 404);
    app.ends_clean().await;
}
