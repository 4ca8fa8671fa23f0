//! Clients over HTTP/1.1 that go away while their requests wait for the storage. The service notices when
//! it reads on; what they hold until then is bounded, and what they sent is kept.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;
use tests::app::{Mode, TestApp};
use tests::content::pseudo_random;
use tests::poll::wait_until;
use tests::servers::Flow;
use tests::tickets::ticket;
use tests::tus::{self, append, metadata, request};

const PATIENCE: Duration = Duration::from_secs(90);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn strangers_who_went_away_hold_no_more_than_their_ticket_allows() {
    let app = TestApp::builder(Mode::Distributed)
        .settings(&[("DOSSIER_MAX_OPEN_UPLOADS", "12")])
        .breakable()
        .start()
        .await;
    let (alice, nobody) = (app.user("alice").await, app.nobody());
    let (_, url) = ticket(&alice, &json!({"uses": 10})).await;
    let create = || {
        request(&nobody, Method::POST, &format!("{url}/uploads"))
            .header("upload-length", 200)
            .header("upload-metadata", metadata(&[("filename", "noise.bin")]))
    };
    let bytes = pseudo_random(17, 200);
    let mut paths = Vec::new();
    for _ in 0..3 {
        let path = nobody.send(create()).await.header("location").to_owned();
        // A tail, which the next request has to read.
        tus::patch(&nobody, &path, 0, bytes.slice(..100))
            .await
            .expecting(204);
        paths.push(path);
    }
    let fourth = nobody.send(create()).await;
    fourth.expect_problem(429, "too_many_uploads");
    app.breakable().storage.set(Flow::Stalled);
    for path in paths.iter().cycle().take(12) {
        let request = append(&nobody, path, 100, Vec::new());
        tus::goes_away(request, 100, &bytes[100..150]).await;
    }
    let held = "SELECT count(*) FROM uploads WHERE held_parts > 0";
    wait_until(PATIENCE, "each is waited for", async || {
        app.number(held).await == 3
    })
    .await;
    app.breakable().storage.set(Flow::Open);
    wait_until(PATIENCE, "nobody holds any", async || {
        app.number(held).await == 0
    })
    .await;
    for path in &paths {
        let offset = tus::offset(&nobody, path).await;
        assert!((100..=150).contains(&offset), "{offset}");
        let last = tus::patch(&nobody, path, offset, bytes.slice(offset..)).await;
        let document = tus::document(&alice, &last).await;
        assert!(alice.downloads(&document).await == bytes);
    }
    app.ends_clean().await;
}
