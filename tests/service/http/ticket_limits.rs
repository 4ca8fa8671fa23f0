//! What tickets take of their owners: places, time, and quota.

use futures::StreamExt;
use futures::stream;
use reqwest::{Body, Method, RequestBuilder};
use serde_json::{Value, json};
use tests::app::{Client, Mode, TestApp};
use tests::content::{PDF, pseudo_random};
use tests::in_both_modes;
use tests::tickets::ticket;
use tests::tus::{self, OFFSET_STREAM, append, metadata, request};

fn creation(client: &Client, url: &str) -> RequestBuilder {
    request(client, Method::POST, &format!("{url}/uploads"))
        .header("upload-metadata", metadata(&[("filename", "noise.bin")]))
}

/// Creates an upload of 10 bytes, and returns its path.
async fn begins(client: &Client, url: &str) -> String {
    let created = client
        .send(creation(client, url).header("upload-length", 10))
        .await;
    created.expecting(201);
    created.header("location").to_owned()
}

async fn reserved(owner: &Client) -> Value {
    owner.get("/v1/usage").await.expecting(200)["bytes"]["reserved"].clone()
}

#[in_both_modes]
async fn strangers_don_t_take_the_owner_s_places(mode: Mode) {
    let app = TestApp::builder(mode)
        .settings(&[("DOSSIER_MAX_OPEN_UPLOADS", "4")])
        .start()
        .await;
    let (alice, nobody) = (app.user("alice").await, app.nobody());
    let (_, one) = ticket(&alice, &json!({"uses": 10})).await;
    let (_, other) = ticket(&alice, &json!({"uses": 10})).await;
    // A quarter of the owner's.
    let path = begins(&nobody, &one).await;
    let second = creation(&nobody, &one).header("upload-length", 10);
    let second = nobody.send(second).await;
    second.expect_problem(429, "too_many_uploads");
    assert!(!second.header("retry-after").is_empty());
    let whole = nobody.request(Method::POST, &format!("{one}?name=a.pdf"));
    nobody
        .send(whole.body(PDF))
        .await
        .expect_problem(429, "too_many_uploads");
    begins(&nobody, &other).await;
    for number in 0..4 {
        tus::create(&alice, &format!("{number}.bin"), 1).await;
    }
    let fifth = alice.send(tus::creation(&alice, "4.bin", 1)).await;
    fifth.expect_problem(429, "too_many_uploads");
    let last = tus::patch(&nobody, &path, 0, pseudo_random(1, 10)).await;
    tus::document(&alice, &last).await;
    begins(&nobody, &one).await;
    app.ends_clean().await;
}

#[in_both_modes]
async fn a_use_is_given_back_unless_a_byte_came(mode: Mode) {
    let app = TestApp::start(mode).await;
    let (alice, nobody) = (app.user("alice").await, app.nobody());
    let (path, url) = ticket(&alice, &json!({"max_bytes": 100})).await;
    let uses_left = async || alice.get(&path).await.expecting(200)["uses_left"].clone();
    let upload = begins(&nobody, &url).await;
    assert_eq!(uses_left().await, 0);
    let end = async |upload: &str| {
        let end = request(&nobody, Method::DELETE, upload);
        nobody.send(end).await.expecting(204);
    };
    end(&upload).await;
    assert_eq!(
        (uses_left().await, reserved(&alice).await),
        (json!(1), json!(100))
    );
    // Refused first bytes are none either.
    let refused = creation(&nobody, &url)
        .header("upload-length", 10)
        .header("content-type", OFFSET_STREAM)
        .header("upload-checksum", "sha1 qvTGHdzF6KLavt4PO0gs2a6pQ00=");
    let refused = nobody.send(refused.body("jello")).await;
    refused.expect_problem(460, "checksum_mismatch");
    assert_eq!(
        (uses_left().await, reserved(&alice).await),
        (json!(1), json!(100))
    );
    let upload = begins(&nobody, &url).await;
    tus::patch(&nobody, &upload, 0, "x".into())
        .await
        .expecting(204);
    end(&upload).await;
    assert_eq!(
        (uses_left().await, reserved(&alice).await),
        (json!(0), json!(0))
    );
    app.ends_clean().await;
}

#[in_both_modes]
async fn an_upload_with_a_ticket_can_t_be_kept_open(mode: Mode) {
    let app = TestApp::start(mode).await;
    let (alice, nobody) = (app.user("alice").await, app.nobody());
    let (_, url) = ticket(&alice, &json!({})).await;
    let path = begins(&nobody, &url).await;
    // It was created 20 hours ago.
    app.tampers("UPDATE uploads SET created_at = created_at - 72000000000")
        .await;
    tus::patch(&nobody, &path, 0, "x".into())
        .await
        .expecting(204);
    let until = "SELECT count(*) FROM uploads WHERE expires_at = created_at + 86400000000";
    assert_eq!(app.number(until).await, 1);
    let last = tus::patch(&nobody, &path, 1, pseudo_random(1, 9)).await;
    tus::document(&alice, &last).await;
    app.ends_clean().await;
}

#[in_both_modes]
async fn a_length_that_comes_later_keeps_to_the_ticket(mode: Mode) {
    let app = TestApp::start(mode).await;
    let (alice, nobody) = (app.user("alice").await, app.nobody());
    let (_, url) = ticket(&alice, &json!({"max_bytes": 100})).await;
    let created = creation(&nobody, &url).header("upload-defer-length", 1);
    let created = nobody.send(created).await;
    let limit = created.header("upload-limit");
    assert!(limit.starts_with("max-size=100,"), "{limit}");
    let upload = created.header("location").to_owned();
    let declared = |length: u64| {
        let declared = append(&nobody, &upload, 0, pseudo_random(1, 10));
        nobody.send(declared.header("upload-length", length))
    };
    declared(101).await.expect_problem(413, "too_large");
    let asked = tus::head(&nobody, &upload).await;
    assert_eq!(asked.header("upload-length"), "");
    assert_eq!(reserved(&alice).await, 100);
    let last = declared(10).await;
    tus::document(&alice, &last).await;
    app.ends_clean().await;
}

#[in_both_modes]
async fn a_use_that_is_given_back_fits_the_quota(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app
        .user_with(json!({"name": "alice", "quota_bytes": 10_000}))
        .await;
    let nobody = app.nobody();
    let (_, url) = ticket(&alice, &json!({"max_bytes": 6_000})).await;
    let created = creation(&nobody, &url).header("upload-defer-length", 1);
    let upload = nobody.send(created).await.header("location").to_owned();
    let declared = append(&nobody, &upload, 0, "").header("upload-length", 10);
    nobody.send(declared).await.expecting(204);
    assert_eq!(reserved(&alice).await, 6_000);
    alice
        .send(tus::creation(&alice, "a.bin", 5_000))
        .await
        .expect_problem(403, "quota_exceeded");
    let end = request(&nobody, Method::DELETE, &upload);
    nobody.send(end).await.expecting(204);
    assert_eq!(reserved(&alice).await, 6_000);
    app.ends_clean().await;
}

#[in_both_modes]
async fn a_ticket_without_a_size_keeps_to_the_owner_s_quota(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app
        .user_with(json!({"name": "alice", "quota_bytes": 1_000}))
        .await;
    let nobody = app.nobody();
    let (path, url) = ticket(&alice, &json!({})).await;
    let whole = || nobody.request(Method::POST, &format!("{url}?name=a.bin"));
    let declared = nobody.send(whole().body(pseudo_random(1, 2_000))).await;
    declared.expect_problem(403, "quota_exceeded");
    // Refused as it passes the quota, not at its end.
    let sent = stream::iter([Ok::<_, std::io::Error>(pseudo_random(1, 2_000))]);
    let endless = Body::wrap_stream(sent.chain(stream::pending()));
    let streamed = nobody.send(whole().body(endless)).await;
    streamed.expect_problem(403, "quota_exceeded");
    assert_eq!(alice.get(&path).await.expecting(200)["uses_left"], 1);
    // What a ticket has reserved is there for its uploads.
    let (_, reserving) = ticket(&alice, &json!({"max_bytes": 900})).await;
    let fits = nobody.request(Method::POST, &format!("{reserving}?name=a.bin"));
    let fits = nobody.send(fits.body(pseudo_random(1, 900))).await;
    alice.settled(&fits.expecting(202)).await;
    app.ends_clean().await;
}
