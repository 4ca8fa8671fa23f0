//! Changes are made once for each key, and keys are bounded.

use reqwest::Method;
use serde_json::json;
use tests::app::{Client, Mode, TestApp};
use tests::content::{PDF, PNG};
use tests::in_both_modes;

use super::uploads::{keyed, path, replays, upload};

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
