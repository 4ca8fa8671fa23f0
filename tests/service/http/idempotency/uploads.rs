//! An upload that is sent again is answered again, and makes one document.

use std::io;
use std::time::Duration;

use futures::channel::mpsc::{UnboundedSender, unbounded};
use futures::future::join_all;
use reqwest::multipart::{Form, Part};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use tests::app::{Answer, Client, Mode, TestApp};
use tests::content::{PDF, PNG, pseudo_random};
use tests::in_both_modes;
use tests::poll::{poll, wait_until};
use tests::servers::Dossier;
use tokio::task::JoinHandle;

const PATIENCE: Duration = Duration::from_mins(1);

pub async fn keyed(client: &Client, key: &str, request: RequestBuilder) -> Answer {
    client.send(request.header("idempotency-key", key)).await
}

pub fn upload(client: &Client, name: &str, bytes: impl Into<reqwest::Body>) -> RequestBuilder {
    let path = format!("/v1/documents?name={name}");
    client
        .request(Method::POST, &path)
        .header("content-type", "application/pdf")
        .body(bytes)
}

pub fn path(document: &Value) -> String {
    format!("/v1/documents/{}", document["id"].as_str().unwrap())
}

/// Asserts that `again` is `first` once more, and says so.
#[track_caller]
pub fn replays(first: &Answer, again: &Answer) {
    assert_eq!(
        (first.status, &first.body),
        (again.status, &again.body),
        "{}",
        again.text()
    );
    assert_eq!(
        (
            first.header("idempotency-replayed"),
            again.header("idempotency-replayed")
        ),
        ("", "true")
    );
    for name in ["content-type", "location", "etag", "retry-after"] {
        assert_eq!(first.header(name), again.header(name), "{name}");
    }
}

#[in_both_modes]
async fn an_upload_that_is_sent_again_makes_one_document(mode: Mode) {
    let app = TestApp::start(mode).await;
    let (alice, bob) = (app.user("alice").await, app.user("bob").await);
    let first = keyed(&alice, "k", upload(&alice, "a.pdf", PDF)).await;
    let document = alice.settled(&first.expecting(202)).await;
    replays(
        &first,
        &keyed(&alice, "k", upload(&alice, "a.pdf", PDF)).await,
    );
    keyed(&alice, "k", upload(&alice, "a.pdf", PNG))
        .await
        .expect_problem(422, "idempotency_key_reused");
    keyed(&alice, "k", upload(&alice, "b.pdf", PDF))
        .await
        .expect_problem(422, "idempotency_key_reused");
    keyed(&alice, "k", alice.request(Method::DELETE, &path(&document)))
        .await
        .expect_problem(422, "idempotency_key_reused");
    let other = keyed(&alice, "l", upload(&alice, "a.pdf", PDF))
        .await
        .expecting(202);
    assert_ne!(other["id"], document["id"]);
    keyed(&bob, "k", upload(&bob, "a.pdf", PDF))
        .await
        .expecting(202);
    assert_eq!(
        alice.get("/v1/documents").await.expecting(200)["items"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    app.ends_clean().await;
}

#[in_both_modes]
async fn a_form_is_the_same_whatever_its_boundary(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app.user("alice").await;
    let form = |year: u32| {
        let file = Part::bytes(PDF)
            .file_name("a.pdf")
            .mime_str("application/pdf")
            .unwrap();
        let form = Form::new()
            .text("metadata", json!({"year": year}).to_string())
            .part("file", file);
        alice.request(Method::POST, "/v1/documents").multipart(form)
    };
    let first = keyed(&alice, "k", form(2026)).await;
    first.expecting(202);
    replays(&first, &keyed(&alice, "k", form(2026)).await);
    keyed(&alice, "k", form(2027))
        .await
        .expect_problem(422, "idempotency_key_reused");
    app.ends_clean().await;
}

#[in_both_modes]
async fn twenty_at_once_make_one_document(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app.user("alice").await;
    let bytes = pseudo_random(1, 200_000);
    let answers =
        join_all((0..20).map(|_| keyed(&alice, "k", upload(&alice, "a.bin", bytes.clone())))).await;
    let mut accepted = Vec::new();
    for answer in &answers {
        match answer.status.as_u16() {
            202 => accepted.push(answer.json()),
            _ => answer.expect_problem(409, "idempotency_in_progress"),
        }
    }
    assert!(!accepted.is_empty());
    assert!(
        accepted.iter().all(|document| *document == accepted[0]),
        "{accepted:?}"
    );
    let list = alice.get("/v1/documents").await.expecting(200);
    assert_eq!(list["items"].as_array().unwrap().len(), 1);
    alice.settled(&accepted[0]).await;
    app.ends_clean().await;
}

#[in_both_modes]
async fn what_is_refused_at_the_door_is_refused_again(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app
        .user_with(json!({"name": "alice", "quota_bytes": 10}))
        .await;
    let quota = || upload(&alice, "a.pdf", PDF);
    let wrong = || upload(&alice, "a%2Fb.pdf", "x");
    let form = || {
        let form = Form::new().text("no_such_field", "x");
        alice.request(Method::POST, "/v1/documents").multipart(form)
    };
    let missing = "/v1/documents/0192aaaa-0000-7000-8000-000000000000/content";
    let version = || alice.request(Method::PUT, missing).body("x");
    let digest = || {
        upload(&alice, "a.pdf", "x").header(
            "content-digest",
            "sha-256=:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=:",
        )
    };
    let requests: [(&str, &dyn Fn() -> RequestBuilder, u16, &str); 5] = [
        ("quota", &quota, 403, "quota_exceeded"),
        ("wrong", &wrong, 422, "invalid"),
        ("form", &form, 422, "invalid"),
        ("version", &version, 404, "not_found"),
        ("digest", &digest, 422, "digest_mismatch"),
    ];
    for (key, request, status, code) in requests {
        let first = keyed(&alice, key, request()).await;
        first.expect_problem(status, code);
        replays(&first, &keyed(&alice, key, request()).await);
    }
    // Another request, though nothing has come of the first one.
    keyed(&alice, "wrong", upload(&alice, "b.txt", "x"))
        .await
        .expect_problem(422, "idempotency_key_reused");
    let fits = keyed(&alice, "fits", upload(&alice, "b.txt", "x")).await;
    alice.settled(&fits.expecting(202)).await;
    keyed(&alice, "fits", wrong())
        .await
        .expect_problem(422, "idempotency_key_reused");
    app.ends_clean().await;
}

#[in_both_modes]
async fn an_upload_that_was_cut_off_may_be_sent_again(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app.user("alice").await;
    let cut = futures::stream::iter([
        Ok(PDF[..10].to_vec()),
        Err(std::io::Error::other("cut off")),
    ]);
    let request = alice
        .request(Method::POST, "/v1/documents?name=a.pdf")
        .header("content-type", "application/pdf")
        .header("content-length", PDF.len())
        .header("idempotency-key", "k")
        .body(reqwest::Body::wrap_stream(cut));
    assert!(alice.try_send(request).await.is_err());
    let whole = once_free(&alice, "k").await;
    alice.settled(&whole.expecting(202)).await;
    app.ends_clean().await;
}

/// Uploads again until the service knows that the request before has ended.
async fn once_free(client: &Client, key: &str) -> Answer {
    poll(PATIENCE, async || {
        let answer = keyed(client, key, upload(client, "a.pdf", PDF)).await;
        match answer.status.as_u16() {
            409 => Err("the key is still held"),
            _ => Ok(answer),
        }
    })
    .await
}

type Rest = UnboundedSender<io::Result<&'static [u8]>>;

/// Sends the first bytes of an upload; the others follow.
fn begun(client: &Client, key: &str) -> (Rest, JoinHandle<reqwest::Result<Answer>>) {
    let (rest, body) = unbounded();
    rest.unbounded_send(Ok(&PDF[..10])).unwrap();
    let body = reqwest::Body::wrap_stream(body);
    let request = upload(client, "a.pdf", body)
        .header("content-length", PDF.len())
        .header("idempotency-key", key);
    let client = client.clone();
    let sending = tokio::spawn(async move { client.try_send(request).await });
    (rest, sending)
}

#[in_both_modes]
async fn a_key_is_held_while_its_request_is_being_sent(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app.user("alice").await;
    let other = match mode {
        Mode::Embedded => None,
        Mode::Distributed => Some(Dossier::start("ingress", app.variables()).await),
    };
    let there = match &other {
        None => alice.clone(),
        Some(other) => alice.speaking_to(&other.api()),
    };
    let held = "SELECT count(*) FROM idempotency WHERE state = 'running'";
    let (rest, sending) = begun(&alice, "k");
    wait_until(PATIENCE, "it is on its way", async || {
        app.number(held).await == 1
    })
    .await;
    for client in [&alice, &there] {
        let early = keyed(client, "k", upload(client, "a.pdf", PDF)).await;
        early.expect_problem(409, "idempotency_in_progress");
        assert_eq!(early.header("retry-after"), "2");
        keyed(client, "k", upload(client, "b.pdf", PDF))
            .await
            .expect_problem(422, "idempotency_key_reused");
    }
    rest.unbounded_send(Ok(&PDF[10..])).unwrap();
    drop(rest);
    let first = sending.await.unwrap().unwrap();
    let document = alice.settled(&first.expecting(202)).await;
    replays(
        &first,
        &keyed(&there, "k", upload(&there, "a.pdf", PDF)).await,
    );
    // Whoever goes away keeps nobody out.
    let (rest, sending) = begun(&alice, "l");
    wait_until(PATIENCE, "it is on its way", async || {
        app.number(held).await == 1
    })
    .await;
    sending.abort();
    drop(rest);
    let second = once_free(&there, "l").await.expecting(202);
    assert_ne!(alice.settled(&second).await["id"], document["id"]);
    app.ends_clean().await;
}
