//! Operations while workers are killed and users deleted: each item is acted on once all the same.

use serde_json::{Value, json};
use tests::app::{Client, Mode, TestApp};
use tests::content::PDF;
use tests::in_both_modes;

/// A lease short enough to see it end.
const SHORT_LEASE: (&str, &str) = ("DOSSIER_LEASE", "2s");

/// A user with very many active documents of the same content.
async fn collector(app: &TestApp, name: &str, count: usize) -> Client {
    let user = json!({"name": name, "quota_documents": 1_000_000});
    let client = app.user_with(user).await;
    let pending = client.uploads("report.pdf", PDF).await;
    let document = client.settled(&pending).await;
    let db = app.database().await;
    tests::ledger::copies(
        &db,
        document["id"].as_str().unwrap().parse().unwrap(),
        count - 1,
    )
    .await;
    db.close().await.unwrap();
    client
}

async fn progress(client: &Client, operation: &Value) -> u64 {
    let path = format!("/v1/operations/{}", operation["id"].as_str().unwrap());
    client.get(&path).await.expecting(200)["succeeded"]
        .as_u64()
        .unwrap()
}

#[in_both_modes]
async fn workers_are_killed_and_each_item_is_acted_on_once(mode: Mode) {
    let app = TestApp::builder(mode)
        .settings(&[SHORT_LEASE])
        .start()
        .await;
    let alice = collector(&app, "alice", 6_000).await;
    let archive = json!({"action": "archive", "select": {"filter": {}}});
    let operation = alice.asks_for(&archive).await;
    for round in 1..=3 {
        while progress(&alice, &operation).await < round * 1_000 {
            tokio::task::yield_now().await;
        }
        for process in app.workers() {
            process.kill().await;
        }
        for process in app.workers() {
            process.restart().await;
        }
    }
    let ended = alice.ended(&operation).await;
    assert_eq!(
        (&ended["status"], &ended["succeeded"]),
        (&json!("completed"), &json!(6_000))
    );
    let db = app.database().await;
    for (what, sql) in [
        (
            "documents that were not archived once",
            "SELECT count(*) FROM documents WHERE status <> 'archived' OR revision <> 3",
        ),
        (
            "documents whose timeline doesn't say so once",
            "SELECT count(*) FROM documents d WHERE (SELECT count(*) FROM events WHERE document_id = d.id AND kind = 'archived') <> 1",
        ),
        (
            "items that don't know what they did",
            "SELECT count(*) FROM operation_items WHERE result <> 'succeeded' OR revision <> 3",
        ),
    ] {
        assert_eq!(tests::ledger::count(&db, sql).await, 0, "{what}");
    }
    db.close().await.unwrap();
    app.ends_clean().await;
}

#[in_both_modes]
async fn a_user_is_deleted_while_an_operation_runs(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = collector(&app, "alice", 10_000).await;
    let operation = alice
        .asks_for(&json!({"action": "archive", "select": {"filter": {}}}))
        .await;
    while progress(&alice, &operation).await == 0 {
        tokio::task::yield_now().await;
    }
    let path = format!("/v1/admin/users/{}", alice.user.as_deref().unwrap());
    app.admin().delete(&path).await.expecting(204);
    app.ends_clean().await;
    let db = app.database().await;
    assert_eq!(
        tests::ledger::count(&db, "SELECT count(*) FROM operation_items").await,
        0
    );
    db.close().await.unwrap();
}

#[in_both_modes]
async fn others_are_served_while_a_big_operation_runs(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = collector(&app, "alice", 20_000).await;
    let bob = app.user("bob").await;
    let big = alice
        .asks_for(&json!({"action": "delete", "select": {"filter": {}}}))
        .await;
    let pending = bob.uploads("mine.pdf", PDF).await;
    let document = bob.settled(&pending).await;
    assert_eq!(document["status"], "active");
    let small = bob
        .runs(&json!({"action": "archive", "select": {"ids": [document["id"]]}}))
        .await;
    assert_eq!(small["succeeded"], 1);
    let path = format!("/v1/operations/{}", big["id"].as_str().unwrap());
    let meanwhile = alice.get(&path).await.expecting(200);
    assert_eq!(
        meanwhile["finished_at"],
        Value::Null,
        "the big one was over first: {meanwhile}"
    );
    assert_eq!(alice.ended(&big).await["succeeded"], 20_000);
    app.ends_clean().await;
}
