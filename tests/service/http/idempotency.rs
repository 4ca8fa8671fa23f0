//! Idempotency keys: a request that is sent again is answered again, and acted on once.

use futures::future::join_all;
use reqwest::multipart::{Form, Part};
use reqwest::{Method, RequestBuilder};
use sea_orm::ConnectionTrait;
use serde_json::{Value, json};
use tests::app::{Answer, Client, Mode, TestApp};
use tests::content::{PDF, PNG, pseudo_random};
use tests::in_both_modes;
use tests::ledger::count;
use tokio::task::JoinHandle;

async fn keyed(client: &Client, key: &str, request: RequestBuilder) -> Answer {
    client.send(request.header("idempotency-key", key)).await
}

fn upload(client: &Client, name: &str, bytes: impl Into<reqwest::Body>) -> RequestBuilder {
    let path = format!("/v1/documents?name={name}");
    client
        .request(Method::POST, &path)
        .header("content-type", "application/pdf")
        .body(bytes)
}

fn path(document: &Value) -> String {
    format!("/v1/documents/{}", document["id"].as_str().unwrap())
}

/// Asserts that `again` is `first` once more, and says so.
#[track_caller]
fn replays(first: &Answer, again: &Answer) {
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
async fn so_many_keys_of_a_user_are_kept(mode: Mode) {
    let app = TestApp::builder(mode)
        .settings(&[("DOSSIER_MAX_IDEMPOTENCY_KEYS", "16")])
        .start()
        .await;
    let (alice, bob) = (app.user("alice").await, app.user("bob").await);
    let first = keyed(&alice, "first", upload(&alice, "a.pdf", PDF)).await;
    let document = alice.settled(&first.expecting(202)).await;
    let patch = || {
        let request = alice.request(Method::PATCH, &path(&document));
        request
            .header("content-type", "application/json")
            .body(r#"{"name":"a.pdf"}"#)
    };
    let mut kept = 1;
    for number in 0..40 {
        let answer = keyed(&alice, &number.to_string(), patch()).await;
        if answer.status == 200 {
            kept += 1;
        } else {
            answer.expect_problem(429, "rate_limited");
            assert_ne!(answer.header("retry-after"), "");
        }
    }
    // Each ingress lets in one more.
    assert!((16..20).contains(&kept), "{kept}");
    replays(
        &first,
        &keyed(&alice, "first", upload(&alice, "a.pdf", PDF)).await,
    );
    keyed(&alice, "new", upload(&alice, "b.pdf", PDF))
        .await
        .expect_problem(429, "rate_limited");
    alice.send(patch()).await.expecting(200);
    let other = keyed(&bob, "new", upload(&bob, "b.pdf", PDF)).await;
    bob.settled(&other.expecting(202)).await;
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
async fn what_it_did_itself_is_not_held_against_a_repetition(mode: Mode) {
    let app = TestApp::start(mode).await;
    let limits =
        json!({"name": "alice", "quota_documents": 1, "quota_bytes": PDF.len() + PNG.len()});
    let alice = app.user_with(limits).await;
    let first = keyed(&alice, "k", upload(&alice, "a.pdf", PDF)).await;
    let document = alice.settled(&first.expecting(202)).await;
    replays(
        &first,
        &keyed(&alice, "k", upload(&alice, "a.pdf", PDF)).await,
    );

    let tag = format!("\"r{}\"", document["revision"]);
    let version = || {
        let request = alice.request(Method::PUT, &format!("{}/content", path(&document)));
        request.header("if-match", &tag).body(PNG)
    };
    let first = keyed(&alice, "v", version()).await;
    first.expecting(202);
    replays(&first, &keyed(&alice, "v", version()).await);
    assert_eq!(
        alice.get(&path(&document)).await.json()["latest_version"],
        2
    );
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
    let whole = keyed(&alice, "k", upload(&alice, "a.pdf", PDF)).await;
    alice.settled(&whole.expecting(202)).await;
    app.ends_clean().await;
}

#[in_both_modes]
async fn changes_are_made_once(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app.user("alice").await;
    let pending = alice.uploads("a.pdf", PDF).await;
    let document = alice.settled(&pending).await;
    let path = path(&document);
    let edit = |body: &'static str| {
        alice
            .request(Method::PATCH, &path)
            .header("content-type", "application/json")
            .body(body)
    };
    let first = keyed(
        &alice,
        "edit",
        edit(r#"{"name":"b.pdf","metadata":{"a":1}}"#),
    )
    .await;
    first.expecting(200);
    replays(
        &first,
        &keyed(
            &alice,
            "edit",
            edit(r#" {"metadata": {"a": 1}, "name": "b.pdf"}"#),
        )
        .await,
    );
    keyed(&alice, "edit", edit("{}"))
        .await
        .expect_problem(422, "idempotency_key_reused");
    let wrong = keyed(&alice, "wrong", edit(r#"{"name":null}"#)).await;
    wrong.expect_problem(422, "invalid");
    replays(
        &wrong,
        &keyed(&alice, "wrong", edit(r#"{"name":null}"#)).await,
    );
    for (method, action) in [
        (Method::POST, "/archive"),
        (Method::POST, "/restore"),
        (Method::POST, "/versions/1/restore"),
        (Method::DELETE, "/versions/1"),
        (Method::DELETE, ""),
    ] {
        let request = || alice.request(method.clone(), &format!("{path}{action}"));
        let first = keyed(&alice, &format!("k{action}"), request()).await;
        assert!(first.status.is_success(), "{action}: {}", first.text());
        replays(
            &first,
            &keyed(&alice, &format!("k{action}"), request()).await,
        );
    }
    let gone = keyed(&alice, "gone", alice.request(Method::DELETE, &path)).await;
    gone.expect_problem(404, "not_found");
    replays(
        &gone,
        &keyed(&alice, "gone", alice.request(Method::DELETE, &path)).await,
    );
    let admin = app.admin();
    let user = || {
        admin
            .request(Method::POST, "/v1/admin/users")
            .json(&json!({"name": "carol"}))
    };
    let first = keyed(&admin, "user", user()).await;
    first.expecting(201);
    replays(&first, &keyed(&admin, "user", user()).await);
    app.ends_clean().await;
}

#[in_both_modes]
async fn a_key_has_1_to_255_characters(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app.user("alice").await;
    let request = || upload(&alice, "a.pdf", PDF);
    for key in ["", &"x".repeat(256)] {
        let answer = keyed(&alice, key, request()).await;
        answer.expect_problem(422, "invalid");
        assert_eq!(answer.json()["errors"][0]["pointer"], "Idempotency-Key");
    }
    keyed(&alice, &"x".repeat(255), request())
        .await
        .expecting(202);
    keyed(
        &app.nobody(),
        "k",
        app.nobody().request(Method::DELETE, "/v1/documents/x"),
    )
    .await
    .expect_problem(401, "unauthorized");
    app.ends_clean().await;
}

#[in_both_modes]
async fn a_new_key_is_shown_again_to_its_maker_alone(mode: Mode) {
    let app = TestApp::start(mode).await;
    let admin = app.admin();
    let alice = app
        .user_with(json!({"name": "alice", "role": "admin"}))
        .await;
    let keys = format!("/v1/admin/users/{}/keys", alice.user.as_deref().unwrap());
    let request = |client: &Client| client.request(Method::POST, &keys).json(&json!({}));
    let first = keyed(&alice, "k", request(&alice)).await;
    let created = first.expecting(201);
    replays(&first, &keyed(&alice, "k", request(&alice)).await);
    let secret = created["key"].as_str().unwrap();
    assert_eq!(app.bearer(secret).get("/v1/usage").await.status, 200);
    // Nobody else can have it: not another token of the same user, not who reads the database.
    let other = app.bearer(secret);
    keyed(&other, "k", request(&other))
        .await
        .expect_problem(422, "idempotency_key_reused");
    let database = app.database().await;
    let kept = tests::ledger::rows(
        &database,
        "SELECT body FROM idempotency WHERE key = 'k'",
        vec![],
    )
    .await;
    let body: Vec<u8> = kept[0].try_get_by_index(0).unwrap();
    assert!(body.len() > secret.len());
    assert!(
        !body
            .windows(8)
            .any(|window| window == &secret.as_bytes()[..8])
    );
    let listed = admin.get(&keys).await.expecting(200);
    assert_eq!(listed["items"].as_array().unwrap().len(), 2);
    app.ends_clean().await;
}

/// Turns the clock of requests that are running: their processes count as dead.
async fn let_them_be_taken_over(app: &TestApp) {
    let database = app.database().await;
    let turned = "UPDATE idempotency SET begun_at = 0, open_until = CASE WHEN open_until IS NULL THEN NULL ELSE 0 END";
    database.writer().execute_unprepared(turned).await.unwrap();
}

/// A request on its way, of a client that goes on.
fn sent(client: &Client, request: RequestBuilder) -> JoinHandle<reqwest::Result<Answer>> {
    let client = client.clone();
    tokio::spawn(async move { client.try_send(request).await })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_dies_while_its_client_waits_has_answered() {
    let app = TestApp::start(Mode::Distributed).await;
    let alice = app.user("alice").await;
    let pending = alice.uploads("a.pdf", PDF).await;
    let document = alice.settled(&pending).await;
    for worker in app.workers() {
        worker.kill().await;
    }
    let content = format!("{}/content", path(&document));
    let version = |wait: &str| {
        let request = alice.request(Method::PUT, &content).body(PNG);
        let request = request
            .header("idempotency-key", "k")
            .header("prefer", wait);
        sent(&alice, request)
    };
    let waiting = version("wait=60");
    while alice.get(&path(&document)).await.json()["latest_version"] != 2 {
        tokio::task::yield_now().await;
    }
    app.ingress().kill().await;
    assert!(waiting.await.unwrap().is_err());
    app.ingress().restart().await;
    version("wait=60")
        .await
        .unwrap()
        .unwrap()
        .expect_problem(409, "idempotency_in_progress");
    let_them_be_taken_over(&app).await;
    let again = version("wait=60").await.unwrap().unwrap();
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!(
        again.header("location"),
        format!("{}/versions/2", path(&document))
    );
    assert_eq!(again.expecting(202)["latest_version"], 2);
    for worker in app.workers() {
        worker.restart().await;
    }
    let settled = alice
        .get(&format!("{}/versions/2?wait=60", path(&document)))
        .await;
    assert_eq!(settled.expecting(200)["status"], "active");
    assert_eq!(
        alice.get(&path(&document)).await.json()["latest_version"],
        2
    );
    app.ends_clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_dies_before_its_change_is_made_leaves_it_to_the_next() {
    let app = TestApp::start(Mode::Distributed).await;
    let alice = app.user("alice").await;
    let pending = alice.uploads("a.pdf", PDF).await;
    let document = alice.settled(&pending).await;
    let database = app.database().await;
    for (index, (method, target)) in [
        (Method::POST, "/v1/documents?name=b.pdf".to_owned()),
        (Method::PUT, format!("{}/content", path(&document))),
        (
            Method::POST,
            format!("{}/versions/1/restore", path(&document)),
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let send = || {
            let request = alice.request(method.clone(), &target);
            let request = if target.contains("restore") {
                request
            } else {
                request.body(PNG)
            };
            sent(
                &alice,
                request.header("idempotency-key", format!("k{index}")),
            )
        };
        let before = versions(&database).await;
        // The change can't come to its end while somebody else holds the owner's counters.
        let held = database.begin().await.unwrap();
        held.execute_unprepared("UPDATE users SET used_bytes = used_bytes")
            .await
            .unwrap();
        let cut_off = send();
        // Workers may wait for the counters as well: the request counts once its key is known.
        let waiting = format!(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' \
             AND datname = current_database() \
             AND EXISTS (SELECT 1 FROM idempotency WHERE key = 'k{index}')"
        );
        while count(&database, &waiting).await == 0 {
            tokio::task::yield_now().await;
        }
        app.ingress().kill().await;
        assert!(cut_off.await.unwrap().is_err(), "{target}");
        held.rollback().await.unwrap();
        app.ingress().restart().await;
        assert_eq!(versions(&database).await, before, "{target}");
        send()
            .await
            .unwrap()
            .unwrap()
            .expect_problem(409, "idempotency_in_progress");
        let_them_be_taken_over(&app).await;
        let first = send().await.unwrap().unwrap();
        assert!(first.status.is_success(), "{target}: {}", first.text());
        replays(&first, &send().await.unwrap().unwrap());
        assert_eq!(versions(&database).await, before + 1, "{target}");
        let settled = format!("{}?wait=60", path(&first.json()));
        assert_eq!(alice.get(&settled).await.expecting(200)["status"], "active");
    }
    // What the killed processes had staged is nobody's; the cleanup finds it when it is old.
    app.ends_whole(3).await;
}

async fn versions(database: &ledger::Database) -> i64 {
    count(database, "SELECT count(*) FROM versions").await
}
