//! What became of each item of an operation.

use domain::DocumentId;
use reqwest::Method;
use serde_json::{Value, json};
use tests::app::{Client, Mode, TestApp};
use tests::content::{PDF, PNG};
use tests::in_both_modes;

const UNKNOWN: &str = "0192aaaa-0000-7000-8000-000000000000";

/// Uploads that are settled.
pub async fn settled(client: &Client, names: &[&str]) -> Vec<Value> {
    let mut documents = Vec::new();
    for name in names {
        let bytes = if name.contains("png") { PNG } else { PDF };
        let pending = client.uploads(name, bytes).await;
        documents.push(client.settled(&pending).await);
    }
    documents
}

pub fn ids(documents: &[Value]) -> Vec<&str> {
    documents
        .iter()
        .map(|document| document["id"].as_str().unwrap())
        .collect()
}

pub async fn now(client: &Client, document: &Value) -> Value {
    let path = format!("/v1/documents/{}", document["id"].as_str().unwrap());
    client.get(&path).await.expecting(200)
}

pub fn counts(operation: &Value) -> [u64; 4] {
    ["total", "succeeded", "failed", "skipped"].map(|name| operation[name].as_u64().unwrap())
}

pub fn outcomes(items: &[Value]) -> Vec<(&str, Option<&str>)> {
    items
        .iter()
        .map(|item| (item["result"].as_str().unwrap(), item["code"].as_str()))
        .collect()
}

pub async fn post(client: &Client, path: &str) -> tests::app::Answer {
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
