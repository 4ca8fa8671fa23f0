//! Uploads straight to the storage that go wrong, or whose clients mean harm: what they write with
//! their URLs, when and how often, and workers that die while they take it in.

use std::time::Duration;

use futures::future::join_all;
use queue::JobKind;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tests::app::{Backend, Client, Mode, TestApp};
use tests::content::pseudo_random;
use tests::direct;
use tests::objects::location;
use url::Url;

const PATIENCE: Duration = Duration::from_mins(1);

const SIZE: usize = 100_000;

/// More than goes in one request.
const LARGE: usize = (64 << 20) + 1;

async fn app(backend: Backend) -> TestApp {
    TestApp::builder(Mode::Distributed)
        .backend(backend)
        .settings(&[
            ("DOSSIER_LEASE", "2s"),
            ("DOSSIER_REDIRECT_DOWNLOADS", "asked"),
        ])
        .start()
        .await
}

fn wanted(size: usize) -> Value {
    json!({"name": "a.bin", "size_bytes": size})
}

async fn begun(client: &Client, size: usize) -> Value {
    direct::begin(client, &wanted(size)).await.expecting(201)
}

/// As if the signatures were over, after which what was written late is removed.
async fn ends(app: &TestApp, leftovers: usize) {
    app.tampers("UPDATE discards SET at = 0").await;
    app.works_off(JobKind::RemoveDiscarded).await;
    app.ends_whole(leftovers).await;
}

async fn completed(client: &Client, upload: &Value) -> Value {
    let document = direct::complete(client, upload, &json!({})).await;
    client.settled(&document.expecting(202)).await
}

#[tokio::test]
async fn a_worker_that_dies_while_it_receives_loses_nothing() {
    let app = app(Backend::S3).await;
    let alice = app.user("alice").await;
    let workers = app.workers();
    let mut strays = 0;
    for (number, (point, copies)) in [
        ("receive.before", 0),
        ("receive.copied", 1),
        ("receive.after", 0),
    ]
    .into_iter()
    .enumerate()
    {
        let bytes = pseudo_random(number as u64, SIZE);
        join_all(workers.iter().map(|worker| worker.terminate())).await;
        let trap = format!("{point}:1");
        workers[0]
            .restart_with(&[("DOSSIER_CRASH_AT", &trap)])
            .await;
        let upload = begun(&alice, SIZE).await;
        direct::send(&upload, &bytes).await;
        let document = direct::complete(&alice, &upload, &json!({})).await;
        let document = document.expecting(202);
        workers[0].aborted(PATIENCE).await;
        join_all(workers.iter().map(|worker| worker.restart())).await;
        let document = alice.settled(&document).await;
        assert_eq!(document["status"], "active", "{point}: {document}");
        assert!(alice.downloads(&document).await == bytes, "{point}");
        let path = format!(
            "/v1/documents/{}/timeline",
            document["id"].as_str().unwrap()
        );
        let told = alice.get(&path).await.text();
        // What was recorded before the worker died isn't received again.
        assert_eq!(
            told.contains("\"received\""),
            point != "receive.after",
            "{told}"
        );
        // A copy without a row is a stray, which a sweep removes.
        strays += copies;
        ends(&app, strays).await;
    }
}

#[tokio::test]
async fn completions_at_once_are_one_document() {
    let app = app(Backend::S3).await;
    let alice = app.user("alice").await;
    for number in 0..4 {
        let bytes = pseudo_random(number, SIZE);
        let upload = begun(&alice, SIZE).await;
        direct::send(&upload, &bytes).await;
        let body = json!({});
        let all = (0..6).map(|_| direct::complete(&alice, &upload, &body));
        for answer in join_all(all).await {
            assert_eq!(answer.expecting(202)["id"], upload["id"]);
        }
        let document = completed(&alice, &upload).await;
        assert!(alice.downloads(&document).await == bytes);
        // It is known no more, and its document stays.
        alice.delete(&direct::path(&upload)).await.expecting(204);
        let late = direct::complete(&alice, &upload, &body).await;
        late.expect_problem(404, "not_found");
        assert!(alice.downloads(&document).await == bytes);
    }
    let usage = alice.get("/v1/usage").await.expecting(200);
    assert_eq!(usage["documents"]["total"], 4);
    assert_eq!(usage["bytes"]["used"], 4 * SIZE);
    ends(&app, 0).await;
}

#[tokio::test]
async fn a_key_of_idempotency_begins_one_upload() {
    let app = app(Backend::S3).await;
    let alice = app.user("alice").await;
    let begin = async || {
        let request = alice.request(Method::POST, "/v1/direct-uploads");
        let request = request.header("idempotency-key", "the only one");
        alice.send(request.json(&wanted(SIZE))).await.expecting(201)
    };
    let (first, second) = (begin().await, begin().await);
    assert_eq!(first, second);
    let usage = alice.get("/v1/usage").await.expecting(200);
    assert_eq!(usage["bytes"]["reserved"], SIZE);
    alice.delete(&direct::path(&first)).await.expecting(204);
    ends(&app, 0).await;
}

#[tokio::test]
async fn wrong_tags_and_refusals_leave_everything_as_it_was() {
    let app = app(Backend::S3).await;
    let alice = app.user("alice").await;
    let bytes = pseudo_random(1, LARGE);
    let upload = begun(&alice, LARGE).await;
    let right = direct::send(&upload, &bytes).await;
    let mut swapped = right.clone();
    swapped["parts"][0]["etag"] = right["parts"][1]["etag"].clone();
    let mut twice = right.clone();
    twice["parts"][1] = right["parts"][0].clone();
    for wrong in [swapped, twice, json!({})] {
        let refused = direct::complete(&alice, &upload, &wrong).await;
        refused.expect_problem(422, "invalid");
    }
    let document = direct::complete(&alice, &upload, &right).await;
    let document = alice.settled(&document.expecting(202)).await;
    assert!(alice.downloads(&document).await == bytes);

    // What is refused has no parts in the storage.
    let most = begun(&alice, 5 << 30).await;
    let refused = direct::begin(&alice, &wanted(5 << 30)).await;
    refused.expect_problem(403, "quota_exceeded");
    alice.delete(&direct::path(&most)).await.expecting(204);
    let places = app.places().await;
    let appending = places.store().appending().unwrap();
    let later = domain::Timestamp::from_micros(i64::MAX / 2);
    tests::poll::wait_until(PATIENCE, "no parts are left", async || {
        use futures::TryStreamExt;
        let open = appending.unfinished(later).await.unwrap();
        open.try_collect::<Vec<_>>().await.unwrap().is_empty()
    })
    .await;
    ends(&app, 0).await;
}

async fn what_comes_after_the_end_is_removed(backend: Backend) {
    let app = app(backend).await;
    let alice = app.user("alice").await;
    let bytes = pseudo_random(2, SIZE);
    let upload = begun(&alice, SIZE).await;
    direct::send(&upload, &bytes).await;
    alice.delete(&direct::path(&upload)).await.expecting(204);
    let url = app.texts("SELECT url FROM discards").await;
    let url: Url = url[0].parse().unwrap();
    let places = app.places().await;
    assert!(
        places.stat(&url).await.unwrap().is_none(),
        "removed at once"
    );
    // The URL still writes, so its owner is charged for what it may write.
    direct::send(&upload, &bytes).await;
    app.works_off(JobKind::RemoveDiscarded).await;
    let usage = alice.get("/v1/usage").await.expecting(200);
    assert_eq!(usage["bytes"]["reserved"], 0);
    let charged = "SELECT CAST(sum(discarded_bytes) AS bigint) FROM users";
    assert!(app.number(charged).await >= i64::try_from(SIZE).unwrap());
    assert!(places.stat(&url).await.unwrap().is_some(), "not yet");
    ends(&app, 0).await;
    assert!(places.stat(&url).await.unwrap().is_none(), "never removed");
    assert_eq!(app.number(charged).await, 0);
}

#[tokio::test]
async fn what_is_written_to_s3_after_the_end_is_removed() {
    Box::pin(what_comes_after_the_end_is_removed(Backend::S3)).await;
}

#[tokio::test]
async fn what_is_written_to_azure_after_the_end_is_removed() {
    Box::pin(what_comes_after_the_end_is_removed(Backend::Azure)).await;
}

async fn encodings_are_not_passed_on(backend: Backend) {
    let app = app(backend).await;
    let alice = app.user("alice").await;
    let bytes = pseudo_random(3, SIZE);
    let upload = begun(&alice, SIZE).await;
    let request = direct::writing(direct::url(&upload), &upload["headers"], bytes.clone());
    let request = match backend {
        Backend::Azure => request.header("x-ms-blob-content-encoding", "gzip"),
        Backend::S3 | Backend::Gcs => request.header("content-encoding", "gzip"),
    };
    assert!(request.send().await.unwrap().status().is_success());
    let document = completed(&alice, &upload).await;
    assert_eq!(document["status"], "active", "{document}");
    let path = format!("/v1/documents/{}/content", document["id"].as_str().unwrap());
    let redirected = alice.get(&format!("{path}?redirect=true")).await;
    assert_eq!(redirected.status, 307);
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let read = client.get(redirected.header("location")).send().await;
    let read = read.unwrap();
    assert_eq!(read.headers().get("content-encoding"), None);
    assert!(read.bytes().await.unwrap() == bytes);
    ends(&app, 0).await;
}

#[tokio::test]
async fn an_encoding_that_a_client_gave_stays_behind_in_s3() {
    Box::pin(encodings_are_not_passed_on(Backend::S3)).await;
}

#[tokio::test]
async fn an_encoding_that_a_client_gave_stays_behind_in_azure() {
    Box::pin(encodings_are_not_passed_on(Backend::Azure)).await;
}

/// A request of another kind than the one that was meant, with the same URL.
async fn tricks(url: &str, query: &str, headers: &[(&str, &str)]) -> StatusCode {
    let request = direct::writing(&format!("{url}{query}"), &json!({}), bytes::Bytes::new());
    let headers = headers.iter();
    let request = headers.fold(request, |request, (name, value)| {
        request.header(*name, *value)
    });
    request.send().await.unwrap().status()
}

#[tokio::test]
async fn what_else_a_url_of_azure_allows_does_no_harm() {
    let app = app(Backend::Azure).await;
    let alice = app.user("alice").await;
    let lease = [
        ("x-ms-lease-action", "acquire"),
        ("x-ms-lease-duration", "-1"),
    ];
    let bytes = pseudo_random(4, SIZE);
    for ends_before in [false, true] {
        let upload = begun(&alice, SIZE).await;
        let url = direct::url(&upload);
        // Marked as what our own ended writes are, which nobody sees.
        let request = direct::writing(url, &upload["headers"], bytes.clone());
        let sent = request.header("x-ms-meta-dossier", "ended").send().await;
        assert!(sent.unwrap().status().is_success());
        assert_eq!(tricks(url, "&comp=snapshot", &[]).await, 201);
        assert_eq!(tricks(url, "&comp=lease", &lease).await, 201);
        if ends_before {
            alice.delete(&direct::path(&upload)).await.expecting(204);
            continue;
        }
        let document = completed(&alice, &upload).await;
        assert_eq!(document["status"], "active", "{document}");
        assert!(alice.downloads(&document).await == bytes);
        // The same once more, after the worker has removed the original.
        direct::send(&upload, &bytes).await;
        assert_eq!(tricks(url, "&comp=snapshot", &[]).await, 201);
        assert_eq!(tricks(url, "&comp=lease", &lease).await, 201);
    }
    ends(&app, 0).await;
}

#[tokio::test]
async fn more_than_declared_is_found_and_removed_whenever_it_comes() {
    let app = app(Backend::Azure).await;
    let alice = app.user("alice").await;
    let bytes = pseudo_random(5, SIZE);
    let upload = begun(&alice, SIZE).await;
    let sent = direct::write(
        direct::url(&upload),
        &upload["headers"],
        pseudo_random(6, 2 * SIZE),
    );
    assert!(sent.await.status().is_success());
    let document = completed(&alice, &upload).await;
    assert_eq!(document["error"]["code"], "digest_mismatch", "{document}");
    let usage = alice.get("/v1/usage").await.expecting(200);
    assert_eq!(usage["bytes"]["reserved"], 0);
    // What comes late is removed as well.
    direct::send(&upload, &bytes).await;
    let path = format!("/v1/documents/{}/retry", document["id"].as_str().unwrap());
    let again = alice.post_json(&path, &json!({})).await.answer();
    again.expect_problem(409, "not_retryable");
    ends(&app, 0).await;
}

#[tokio::test]
async fn a_document_that_is_deleted_unread_takes_what_comes_late_with_it() {
    let app = app(Backend::Azure).await;
    let alice = app.user("alice").await;
    let workers = app.workers();
    join_all(workers.iter().map(|worker| worker.terminate())).await;
    let upload = begun(&alice, SIZE).await;
    let (url, headers) = (direct::url(&upload), &upload["headers"]);
    let little = direct::write(url, headers, pseudo_random(9, 1)).await;
    assert!(little.status().is_success());
    let document = direct::complete(&alice, &upload, &json!({})).await;
    let document = document.expecting(202);
    let path = format!("/v1/documents/{}", document["id"].as_str().unwrap());
    alice.delete(&path).await.expecting(204);
    let usage = alice.get("/v1/usage").await.expecting(200);
    assert_eq!(usage["bytes"]["reserved"], 0);
    direct::send(&upload, &pseudo_random(9, SIZE)).await;
    join_all(workers.iter().map(|worker| worker.restart())).await;
    app.works_off(JobKind::RemoveDiscarded).await;
    let charged = "SELECT CAST(sum(discarded_bytes) AS bigint) FROM users";
    assert!(app.number(charged).await >= i64::try_from(SIZE).unwrap());
    ends(&app, 0).await;
    assert_eq!(app.number(charged).await, 0);
}

/// AWS refuses fields of its own that aren't signed.
#[tokio::test]
async fn a_url_of_s3_copies_nothing_of_others() {
    let app = app(Backend::S3).await;
    let (alice, bob) = (app.user("alice").await, app.user("bob").await);
    let secret = pseudo_random(7, SIZE);
    let hidden = bob.active("secret.bin", secret.clone()).await;
    let source = location(&app, &hidden).await;
    let source = format!("{}{}", source.host_str().unwrap(), source.path());
    let upload = begun(&alice, SIZE).await;
    let request = direct::writing(
        direct::url(&upload),
        &upload["headers"],
        pseudo_random(8, SIZE),
    );
    let sent = request.header("x-amz-copy-source", source).send().await;
    if sent.unwrap().status().is_success() {
        let document = completed(&alice, &upload).await;
        if document["status"] == "active" {
            let got = alice.downloads(&document).await;
            assert!(got != secret, "it reads what belongs to others");
        }
    }
}
