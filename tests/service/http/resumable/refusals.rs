//! Creations whose first bytes are refused: nothing is left of the upload, whose client was told of none.

use futures::stream;
use reqwest::{Body, Method, RequestBuilder};
use serde_json::{Value, json};
use tests::app::{Client, Mode, TestApp};
use tests::content::pseudo_random;
use tests::in_both_modes;
use tests::poll::wait_until;
use tests::servers::S3;
use tests::tus::{self, OFFSET_STREAM, append, creation, metadata, request};

const PATIENCE: std::time::Duration = std::time::Duration::from_secs(30);

/// The SHA-1 of "hello".
const SHA1: &str = "sha1 qvTGHdzF6KLavt4PO0gs2a6pQ00=";

/// The SHA-256 of "hello".
const SHA256: &str = "sha-256=:LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=:";

/// A creation with these first bytes.
fn begun(client: &Client, length: usize, bytes: &'static str) -> RequestBuilder {
    creation(client, "a.bin", length)
        .header("content-type", OFFSET_STREAM)
        .body(bytes)
}

fn deferred(client: &Client) -> RequestBuilder {
    request(client, Method::POST, "/v1/uploads")
        .header("upload-defer-length", 1)
        .header("upload-metadata", metadata(&[("filename", "a.bin")]))
        .header("content-type", OFFSET_STREAM)
}

/// A creation by the protocol of the IETF.
fn incomplete(client: &Client, complete: &str) -> RequestBuilder {
    client
        .request(Method::POST, "/v1/uploads?name=a.bin")
        .header("upload-complete", complete.to_owned())
}

async fn holds_nothing(app: &TestApp, client: &Client) {
    assert_eq!(app.number("SELECT count(*) FROM uploads").await, 0);
    let usage: Value = client.get("/v1/usage").await.expecting(200);
    assert_eq!(usage["bytes"]["reserved"], 0);
    assert_eq!(usage["documents"]["total"], 0);
}

#[in_both_modes]
async fn a_refused_creation_leaves_nothing(mode: Mode) {
    let app = TestApp::builder(mode)
        .settings(&[("DOSSIER_MAX_OPEN_UPLOADS", "1")])
        .start()
        .await;
    let alice = app
        .user_with(json!({"name": "alice", "quota_bytes": 1_000}))
        .await;
    let text = creation(&alice, "a.bin", 5).header("content-type", "text/plain");
    let checked =
        |checksum: &'static str| begun(&alice, 9, "jello").header("upload-checksum", checksum);
    let chunked = |bytes| Body::wrap_stream(stream::iter([Ok::<_, std::io::Error>(bytes)]));
    let more_than_the_quota = chunked(pseudo_random(1, 2_000));
    let more_than_the_length = creation(&alice, "a.bin", 5)
        .header("content-type", OFFSET_STREAM)
        .body(chunked("too long".into()));
    for (request, status, code) in [
        (text.body("hello"), 415, "unsupported_media_type"),
        (
            begun(&alice, 5, "hello").header("content-encoding", "gzip"),
            415,
            "unsupported_media_type",
        ),
        (checked("sha512 AAAA"), 400, "bad_digest"),
        (checked("sha1 !"), 400, "bad_digest"),
        (checked(SHA1), 460, "checksum_mismatch"),
        (begun(&alice, 5, "too long"), 413, "too_large"),
        (more_than_the_length, 413, "too_large"),
        (
            deferred(&alice).body(more_than_the_quota),
            403,
            "quota_exceeded",
        ),
        (
            incomplete(&alice, "?0")
                .header("content-digest", SHA256)
                .body("jello"),
            460,
            "checksum_mismatch",
        ),
        (
            incomplete(&alice, "?0")
                .header("content-digest", "sha-256=:!:")
                .body("jello"),
            400,
            "bad_digest",
        ),
        (
            incomplete(&alice, "?1")
                .header("repr-digest", SHA256)
                .body("jello"),
            422,
            "digest_mismatch",
        ),
    ] {
        let refused = alice.send(request).await;
        refused.expect_problem(status, code);
        holds_nothing(&app, &alice).await;
    }
    // The only place is free.
    let path = tus::create(&alice, "a.bin", 5).await;
    let last = tus::patch(&alice, &path, 0, "hello".into()).await;
    tus::document(&alice, &last).await;
    app.ends_clean().await;
}

#[in_both_modes]
async fn first_bytes_that_break_off_are_kept(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app.user("alice").await;
    let create = creation(&alice, "a.txt", 5).header("content-type", OFFSET_STREAM);
    tus::breaks_off(create, 5, b"he").await;
    wait_until(PATIENCE, "the request has ended", async || {
        let open = "SELECT count(*) FROM uploads WHERE offset_bytes = 2 AND held_parts = 0";
        app.number(open).await == 1
    })
    .await;
    let listed = alice.get("/v1/uploads").await.expecting(200);
    let path = format!("/v1/uploads/{}", listed["items"][0]["id"].as_str().unwrap());
    let last = tus::patch(&alice, &path, 2, "llo".into()).await;
    let document = tus::document(&alice, &last).await;
    assert_eq!(alice.downloads(&document).await, "hello");
    app.ends_clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bytes_with_another_checksum_leave_nothing_in_the_bucket() {
    let app = TestApp::start(Mode::Distributed).await;
    let alice = app.user("alice").await;
    let path = tus::create(&alice, "noise.bin", 20 << 20).await;
    // More than a part, which begins a multipart upload, and a tail.
    let bytes = pseudo_random(3, 9 << 20);
    let refused = append(&alice, &path, 0, bytes).header("upload-checksum", SHA1);
    let refused = alice.send(refused).await;
    refused.expect_problem(460, "checksum_mismatch");
    let mut urls = app.variables().iter();
    let url = urls
        .find(|(name, _)| name == "DOSSIER_STORAGE_URL")
        .unwrap();
    let s3 = S3::shared().await;
    wait_until(PATIENCE, "no multipart upload is left", async || {
        s3.unfinished_in(&url.1).await == 0
    })
    .await;
    alice
        .send(request(&alice, Method::DELETE, &path))
        .await
        .expecting(204);
    app.ends_clean().await;
}
