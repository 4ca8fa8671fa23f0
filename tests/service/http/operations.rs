//! Bulk operations over HTTP: what is asked for, what became of each item, and what can be done about it.

use domain::DocumentId;
use reqwest::Method;
use serde_json::{Value, json};
use tests::app::{Client, Mode, TestApp};
use tests::content::{PDF, PNG};
use tests::in_both_modes;

const UNKNOWN: &str = "0192aaaa-0000-7000-8000-000000000000";

/// Uploads that are settled.
async fn settled(client: &Client, names: &[&str]) -> Vec<Value> {
    let mut documents = Vec::new();
    for name in names {
        let bytes = if name.contains("png") { PNG } else { PDF };
        let pending = client.uploads(name, bytes).await;
        documents.push(client.settled(&pending).await);
    }
    documents
}

fn ids(documents: &[Value]) -> Vec<&str> {
    documents
        .iter()
        .map(|document| document["id"].as_str().unwrap())
        .collect()
}

async fn now(client: &Client, document: &Value) -> Value {
    let path = format!("/v1/documents/{}", document["id"].as_str().unwrap());
    client.get(&path).await.expecting(200)
}

fn counts(operation: &Value) -> [u64; 4] {
    ["total", "succeeded", "failed", "skipped"].map(|name| operation[name].as_u64().unwrap())
}

fn outcomes(items: &[Value]) -> Vec<(&str, Option<&str>)> {
    items
        .iter()
        .map(|item| (item["result"].as_str().unwrap(), item["code"].as_str()))
        .collect()
}

async fn post(client: &Client, path: &str) -> tests::app::Answer {
    client.send(client.request(Method::POST, path)).await
}

/// Copies of a document of the client, made behind the service's back.
async fn multiplied(app: &TestApp, document: &Value, count: usize) -> Vec<DocumentId> {
    let id = document["id"].as_str().unwrap().parse().unwrap();
    let db = app.database().await;
    let copies = tests::ledger::copies(&db, id, count).await;
    db.close().await.unwrap();
    copies
}

#[in_both_modes]
#[expect(clippy::too_many_lines, reason = "one course of events")]
async fn each_item_says_what_became_of_it(mode: Mode) {
    let app = TestApp::start(mode).await;
    let (alice, bob) = (app.user("alice").await, app.user("bob").await);
    let mine = settled(&alice, &["a.pdf", "b.pdf", "c.png"]).await;
    let theirs = settled(&bob, &["secret.pdf"]).await;
    post(&alice, &format!("/v1/documents/{}/archive", ids(&mine)[1]))
        .await
        .expecting(200);
    let named = [
        ids(&mine)[0],
        UNKNOWN,
        ids(&mine)[1],
        ids(&theirs)[0],
        ids(&mine)[0],
        ids(&mine)[2],
    ];
    let answer = alice
        .post_json(
            "/v1/operations",
            &json!({"action": "archive", "select": {"ids": named}}),
        )
        .await
        .answer();
    let accepted = answer.expecting(202);
    let path = format!("/v1/operations/{}", accepted["id"].as_str().unwrap());
    assert_eq!(answer.header("location"), path);
    assert_eq!(
        (
            &accepted["action"],
            &accepted["dry_run"],
            &accepted["total"]
        ),
        (&json!("archive"), &json!(false), &json!(5))
    );
    let operation = alice.ended(&accepted).await;
    assert_eq!(
        (&operation["status"], counts(&operation)),
        (&json!("completed"), [5, 2, 2, 1])
    );
    assert_eq!(operation["error"], Value::Null);
    let items = alice.items_of(&operation).await;
    assert_eq!(
        outcomes(&items),
        [
            ("succeeded", None),
            ("failed", Some("not_found")),
            ("skipped", Some("unchanged")),
            ("failed", Some("not_found")),
            ("succeeded", None),
        ]
    );
    assert_eq!(
        items
            .iter()
            .map(|item| item["document_id"].as_str().unwrap())
            .collect::<Vec<_>>(),
        [named[0], named[1], named[2], named[3], named[5]]
    );
    assert_eq!(
        items
            .iter()
            .map(|item| item["name"].as_str())
            .collect::<Vec<_>>(),
        [Some("a.pdf"), None, Some("b.pdf"), None, Some("c.png")]
    );
    let failed = alice
        .get(&format!("{path}/items?result=failed&limit=1"))
        .await
        .expecting(200);
    assert_eq!(failed["items"][0]["document_id"], UNKNOWN);
    let cursor = failed["next_cursor"].as_str().unwrap();
    let rest = alice
        .get(&format!(
            "{path}/items?result=failed&limit=1&cursor={cursor}"
        ))
        .await
        .expecting(200);
    assert_eq!(
        (&rest["items"][0]["document_id"], &rest["next_cursor"]),
        (&items[3]["document_id"], &Value::Null)
    );
    alice
        .get(&format!("{path}/items?cursor={cursor}"))
        .await
        .expect_problem(422, "invalid");
    assert_eq!(now(&alice, &mine[0]).await["status"], "archived");
    assert_eq!(now(&bob, &theirs[0]).await["status"], "active");
    bob.get(&path).await.expect_problem(404, "not_found");
    let owner = alice.user.as_deref().unwrap();
    assert_eq!(
        app.admin()
            .get(&format!("{path}?owner={owner}"))
            .await
            .expecting(200),
        operation
    );
    let events = alice
        .get(&format!("/v1/documents/{}/timeline", named[0]))
        .await
        .expecting(200);
    assert_eq!(
        events["items"].as_array().unwrap().last().unwrap()["kind"],
        "archived"
    );
    app.ends_clean().await;
}

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
async fn what_an_update_did_is_taken_back_exactly(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app.user("alice").await;
    let documents = settled(&alice, &["a.pdf", "b.pdf", "c.pdf"]).await;
    let paths: Vec<_> = ids(&documents)
        .iter()
        .map(|id| format!("/v1/documents/{id}"))
        .collect();
    let first = json!({"unique_name": "first-one", "is_public": true, "metadata": {"a": {"b": 1}}});
    let before = alice.patch_json(&paths[0], &first).await.expecting(200);
    let changes = json!({"name": "new.pdf", "unique_name": null, "is_public": false, "metadata": {"a": {"b": null, "c": 2}}});
    let update =
        json!({"action": "update", "select": {"ids": ids(&documents)}, "changes": changes});
    let operation = alice.runs(&update).await;
    assert_eq!(counts(&operation), [3, 3, 0, 0]);
    let after = now(&alice, &documents[0]).await;
    assert_eq!(
        (&after["name"], &after["unique_name"], &after["metadata"]),
        (&json!("new.pdf"), &Value::Null, &json!({"a": {"c": 2}}))
    );
    assert_eq!(
        after["revision"].as_u64(),
        before["revision"].as_u64().map(|revision| revision + 1)
    );
    let since = alice
        .patch_json(&paths[1], &json!({"metadata": {"mine": true}}))
        .await
        .expecting(200);

    let undo = format!("/v1/operations/{}/undo", operation["id"].as_str().unwrap());
    let answer = post(&alice, &undo).await;
    let accepted = answer.expecting(202);
    assert_eq!(
        (&accepted["action"], &accepted["total"]),
        (&json!("undo"), &json!(3))
    );
    assert_eq!(
        answer.header("location"),
        format!("/v1/operations/{}", accepted["id"].as_str().unwrap())
    );
    let undone = alice.ended(&accepted).await;
    assert_eq!(counts(&undone), [3, 2, 0, 1]);
    assert_eq!(
        outcomes(&alice.items_of(&undone).await)[1],
        ("skipped", Some("revision_mismatch"))
    );
    let back = now(&alice, &documents[0]).await;
    for member in ["name", "unique_name", "is_public", "metadata", "status"] {
        assert_eq!(back[member], before[member], "{member}");
    }
    assert_eq!(now(&alice, &documents[1]).await, since);
    assert_eq!(now(&alice, &documents[2]).await["name"], "c.pdf");
    post(&alice, &undo)
        .await
        .expect_problem(409, "not_undoable");
    let undo = format!("/v1/operations/{}/undo", undone["id"].as_str().unwrap());
    post(&alice, &undo)
        .await
        .expect_problem(409, "not_undoable");
    let deleted = alice
        .runs(&json!({"action": "delete", "select": {"ids": [documents[2]["id"]]}}))
        .await;
    let undo = format!("/v1/operations/{}/undo", deleted["id"].as_str().unwrap());
    post(&alice, &undo)
        .await
        .expect_problem(409, "not_undoable");
    app.ends_clean().await;
}

#[in_both_modes]
async fn an_archive_is_taken_back(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app.user("alice").await;
    let documents = settled(&alice, &["a.pdf", "b.pdf"]).await;
    let dry = json!({"action": "archive", "select": {"ids": ids(&documents)}, "dry_run": true});
    let dry = alice.runs(&dry).await;
    assert_eq!(counts(&dry), [2, 2, 0, 0]);
    post(
        &alice,
        &format!("/v1/operations/{}/undo", dry["id"].as_str().unwrap()),
    )
    .await
    .expect_problem(409, "not_undoable");
    let operation = alice
        .runs(&json!({"action": "archive", "select": {"ids": ids(&documents)}}))
        .await;
    assert_eq!(now(&alice, &documents[0]).await["status"], "archived");
    let undo = post(
        &alice,
        &format!("/v1/operations/{}/undo", operation["id"].as_str().unwrap()),
    )
    .await
    .expecting(202);
    assert_eq!(counts(&alice.ended(&undo).await), [2, 2, 0, 0]);
    for document in &documents {
        let back = now(&alice, document).await;
        assert_eq!(
            (&back["status"], &back["archived_at"]),
            (&json!("active"), &Value::Null)
        );
    }
    app.ends_clean().await;
}

#[in_both_modes]
async fn failed_documents_are_tried_again_together(mode: Mode) {
    let app = TestApp::builder(mode)
        .settings(&[("DOSSIER_BLOCKED_TYPES", "image/*")])
        .start()
        .await;
    let alice = app.user("alice").await;
    let documents = settled(&alice, &["a.png", "b.png", "fine.pdf"]).await;
    assert_eq!(documents[0]["status"], "error");
    let retry = json!({"action": "retry", "select": {"filter": {"status": "error,active"}}});
    let operation = alice.runs(&retry).await;
    assert_eq!(counts(&operation), [3, 2, 1, 0]);
    assert_eq!(
        outcomes(&alice.items_of(&operation).await)[2],
        ("failed", Some("not_retryable"))
    );
    let again = alice.settled(&documents[0]).await;
    assert_eq!(
        (&again["status"], &again["error"]["code"]),
        (&json!("error"), &json!("type_not_allowed"))
    );
    let events = alice
        .get(&format!("/v1/documents/{}/timeline", ids(&documents)[0]))
        .await
        .expecting(200);
    let kinds: Vec<_> = events["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| event["kind"].as_str().unwrap())
        .collect();
    assert!(kinds.contains(&"retried"), "{kinds:?}");
    app.ends_clean().await;
}

#[in_both_modes]
async fn what_was_not_begun_is_skipped_by_a_cancel(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app
        .user_with(json!({"name": "alice", "quota_documents": 100_000}))
        .await;
    let document = settled(&alice, &["a.pdf"]).await.remove(0);
    multiplied(&app, &document, 20_000).await;
    let accepted = alice
        .asks_for(&json!({"action": "archive", "select": {"filter": {}}}))
        .await;
    assert_eq!(accepted["total"], 20_001);
    let cancel = format!("/v1/operations/{}/cancel", accepted["id"].as_str().unwrap());
    let with_key = || {
        alice.send(
            alice
                .request(Method::POST, &cancel)
                .header("idempotency-key", "stop"),
        )
    };
    let stopping = with_key().await.expecting(202);
    assert_eq!(stopping["id"], accepted["id"]);
    let ended = alice.ended(&accepted).await;
    let [total, succeeded, failed, skipped] = counts(&ended);
    assert_eq!((&ended["status"], failed), (&json!("cancelled"), 0));
    assert_eq!((total, succeeded + skipped), (20_001, 20_001));
    assert!(skipped > 0);
    post(&alice, &cancel).await.expect_problem(409, "finished");
    let again = with_key().await;
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!(again.expecting(202), stopping);
    let path = format!(
        "/v1/operations/{}/items?result=skipped&limit=1",
        accepted["id"].as_str().unwrap()
    );
    assert_eq!(
        alice.get(&path).await.expecting(200)["items"][0]["code"],
        "cancelled"
    );
    let usage = alice.get("/v1/usage").await.expecting(200);
    assert_eq!(usage["documents"]["archived"], succeeded);
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
