//! What an operation can be asked for, and what of it is refused.

use reqwest::Method;
use serde_json::json;
use tests::app::{Mode, TestApp};
use tests::content::PNG;
use tests::in_both_modes;

use super::items::{counts, ids, now, post, settled};

#[in_both_modes]
async fn a_filter_means_what_it_matches_at_that_moment(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app.user("alice").await;
    let documents = settled(&alice, &["one.pdf", "two.png", "three.pdf"]).await;
    let filter = json!({"mime_type": "application/pdf", "status": "active"});
    let dry = alice
        .runs(&json!({"action": "delete", "select": {"filter": filter}, "dry_run": true}))
        .await;
    assert_eq!(
        (counts(&dry), &dry["dry_run"]),
        ([2, 2, 0, 0], &json!(true))
    );
    assert_eq!(now(&alice, &documents[0]).await, documents[0]);
    let gone = alice
        .runs(&json!({"action": "delete", "select": {"filter": filter}}))
        .await;
    assert_eq!(counts(&gone), [2, 2, 0, 0]);
    let items = alice.items_of(&gone).await;
    assert_eq!(
        items
            .iter()
            .map(|item| item["name"].as_str().unwrap())
            .collect::<Vec<_>>(),
        ["one.pdf", "three.pdf"]
    );
    let left = alice.get("/v1/documents").await.expecting(200);
    assert_eq!(left["items"], json!([documents[1]]));
    assert_eq!(
        alice.get("/v1/usage").await.expecting(200)["bytes"]["used"],
        PNG.len()
    );
    let nothing = alice
        .runs(&json!({"action": "restore", "select": {"ids": []}}))
        .await;
    assert_eq!(
        (counts(&nothing), &nothing["status"]),
        ([0; 4], &json!("completed"))
    );
    let listed = alice.get("/v1/operations?limit=2").await.expecting(200);
    assert_eq!(listed["items"], json!([nothing, gone]));
    let cursor = listed["next_cursor"].as_str().unwrap();
    let rest = alice
        .get(&format!("/v1/operations?limit=2&cursor={cursor}"))
        .await
        .expecting(200);
    assert_eq!(rest, json!({"items": [dry], "next_cursor": null}));
    app.ends_clean().await;
}

#[in_both_modes]
async fn what_is_not_well_formed_is_refused_by_its_pointer(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app.user("alice").await;
    for (body, pointer) in [
        (json!({"action": "burn", "select": {"ids": []}}), "/action"),
        (json!({"action": "archive"}), "/select"),
        (
            json!({"action": "archive", "select": {"ids": ["x"]}}),
            "/select/ids/0",
        ),
        (
            json!({"action": "archive", "select": {"filter": {"status": "gone"}}}),
            "/select/filter/status",
        ),
        (
            json!({"action": "update", "select": {"ids": []}, "changes": {"colour": 1}}),
            "/changes/colour",
        ),
        (
            json!({"action": "archive", "select": {"ids": []}, "colour": 1}),
            "/colour",
        ),
    ] {
        let answer = alice.post_json("/v1/operations", &body).await.answer();
        answer.expect_problem(422, "invalid");
        assert_eq!(answer.json()["errors"][0]["pointer"], pointer, "{body}");
    }
    for wrong in ["result=gone", "wait=61"] {
        let path = if wrong.starts_with("wait") {
            ""
        } else {
            "/items"
        };
        let operation = alice
            .runs(&json!({"action": "archive", "select": {"ids": []}}))
            .await;
        let path = format!(
            "/v1/operations/{}{path}?{wrong}",
            operation["id"].as_str().unwrap()
        );
        alice.get(&path).await.expect_problem(422, "invalid");
    }
    let bob = app.user("bob").await;
    let path = format!("/v1/operations?owner={}", bob.user.as_deref().unwrap());
    alice.get(&path).await.expect_problem(404, "not_found");
    assert_eq!(
        app.admin().get(&path).await.expecting(200),
        json!({"items": [], "next_cursor": null})
    );
}

#[in_both_modes]
async fn as_many_as_an_operation_takes_fit_into_a_request(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app.user("alice").await;
    let id = |number: u32| format!("0192aaaa-0000-7000-8000-{number:012x}");
    let mut ids: Vec<_> = (0..100_000).map(id).collect();
    let accepted = alice
        .asks_for(&json!({"action": "archive", "select": {"ids": ids}}))
        .await;
    assert_eq!(accepted["total"], 100_000);
    let cancel = format!("/v1/operations/{}/cancel", accepted["id"].as_str().unwrap());
    post(&alice, &cancel).await.expecting(202);
    ids.push(id(100_000));
    let body = json!({"action": "archive", "select": {"ids": ids}});
    let answer = alice.post_json("/v1/operations", &body).await.answer();
    answer.expect_problem(422, "invalid");
    assert_eq!(answer.json()["errors"][0]["pointer"], "/select/ids");
    assert_eq!(alice.ended(&accepted).await["status"], "cancelled");
    app.ends_clean().await;
}

#[in_both_modes]
async fn a_request_with_a_key_is_one_operation(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app.user("alice").await;
    let documents = settled(&alice, &["a.pdf"]).await;
    let body = json!({"action": "archive", "select": {"ids": ids(&documents)}});
    let ask = || {
        alice
            .request(Method::POST, "/v1/operations")
            .header("idempotency-key", "once")
            .json(&body)
    };
    let first = alice.send(ask()).await;
    let second = alice.send(ask()).await;
    assert_eq!(first.expecting(202), second.expecting(202));
    assert_eq!(second.header("idempotency-replayed"), "true");
    let operation = alice.ended(&first.json()).await;
    let undo = format!("/v1/operations/{}/undo", operation["id"].as_str().unwrap());
    let ask = || {
        alice
            .request(Method::POST, &undo)
            .header("idempotency-key", "back")
    };
    let first = alice.send(ask()).await.expecting(202);
    assert_eq!(alice.send(ask()).await.expecting(202), first);
    alice.ended(&first).await;
    assert_eq!(
        alice.get("/v1/operations").await.expecting(200)["items"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    app.ends_clean().await;
}
