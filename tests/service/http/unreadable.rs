//! A row that can't be read harms nobody but its own document: its own answer says so, and lists,
//! operations, exports and audits pass it by and tell.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tests::app::{Client, Mode, TestApp};
use tests::content::PDF;
use tests::in_both_modes;
use tests::poll::poll;

const PATIENCE: Duration = Duration::from_mins(1);

/// A member of each item of a list, page by page.
async fn every(client: &Client, path: &str, limit: u32, member: &str) -> Vec<Value> {
    let join = if path.contains('?') { '&' } else { '?' };
    let items = client.all(&format!("{path}{join}limit={limit}")).await;
    items.iter().map(|item| item[member].clone()).collect()
}

#[in_both_modes]
async fn others_are_served_whatever_one_row_holds(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app.user("alice").await;
    let mut documents = Vec::new();
    for name in ["a.txt", "b.txt", "c.txt", "d.txt", "e.txt"] {
        let pending = alice.uploads(name, format!("this is {name}")).await;
        documents.push(alice.settled(&pending).await);
    }
    let wholesome = "SELECT sha256 FROM versions WHERE versions.document_id = documents.id";
    for broken in ["b.txt", "c.txt"] {
        let sql = format!("UPDATE documents SET sha256 = 'broken' WHERE name = '{broken}'");
        assert_eq!(app.tampers(&sql).await, 1);
    }

    let path = |document: &Value| format!("/v1/documents/{}", document["id"].as_str().unwrap());
    let own = alice.get(&path(&documents[1])).await;
    own.expect_problem(500, "internal");
    alice
        .patch_json(&path(&documents[1]), &json!({"name": "x"}))
        .await
        .expect_problem(500, "internal");
    alice.get(&path(&documents[0])).await.expecting(200);

    for limit in [1, 2, 50] {
        for filter in ["", "&name=.txt", "&metadata={}"] {
            let list = format!("/v1/documents?sort=name{filter}");
            assert_eq!(
                every(&alice, &list, limit, "name").await,
                ["a.txt", "d.txt", "e.txt"],
                "{list} {limit}"
            );
        }
    }
    let owner = alice.user.as_deref().unwrap();
    let list = format!("/v1/documents?owner={owner}&sort=name");
    assert_eq!(
        every(&app.admin(), &list, 50, "name").await,
        ["a.txt", "d.txt", "e.txt"]
    );

    for action in ["archive", "export"] {
        let status = if action == "archive" {
            json!({})
        } else {
            json!({"status": "active,archived"})
        };
        let ended = alice
            .runs(&json!({"action": action, "select": {"filter": status}}))
            .await;
        assert_eq!(ended["status"], "completed", "{ended}");
        let items = alice.items_of(&ended).await;
        let failed: Vec<_> = items
            .iter()
            .filter(|item| item["code"] == "internal")
            .map(|item| &item["name"])
            .collect();
        assert_eq!(failed, ["b.txt", "c.txt"], "{action}: {items:?}");
    }
    let sql = format!("UPDATE documents SET sha256 = ({wholesome}) WHERE sha256 = 'broken'");
    assert_eq!(app.tampers(&sql).await, 2);
    alice.get(&path(&documents[1])).await.expecting(200);
    app.ends_clean().await;
}

#[in_both_modes]
async fn no_list_and_no_sum_is_spoiled_by_one_row(mode: Mode) {
    let app = TestApp::start(mode).await;
    let (admin, alice, bob) = (app.admin(), app.user("alice").await, app.user("bob").await);
    let mut paths = Vec::new();
    for name in ["a.txt", "b.txt", "c.txt"] {
        let pending = alice.uploads(name, format!("this is {name}")).await;
        let document = alice.settled(&pending).await;
        paths.push(format!(
            "/v1/documents/{}",
            document["id"].as_str().unwrap()
        ));
    }
    for text in ["second", "third"] {
        let put = alice.request(Method::PUT, &format!("{}/content", paths[0]));
        let put = put
            .header("content-type", "text/plain")
            .header("prefer", "wait=30")
            .body(text);
        let put = alice.send(put).await;
        assert!(put.status.is_success(), "{}", put.text());
    }
    let dry = json!({"action": "archive", "dry_run": true, "select": {"filter": {}}});
    let archive = alice.runs(&dry).await;
    let export = json!({"action": "export", "select": {"filter": {}}, "versions": true});
    alice.runs(&export).await;
    for sql in [
        "UPDATE documents SET mime_type = 'nonsense' WHERE name = 'b.txt'",
        "UPDATE users SET name = '' WHERE name = 'bob'",
        "UPDATE versions SET sha256 = 'broken' WHERE number = 2",
        "UPDATE operations SET total = 5000000000, succeeded = 5000000000 WHERE action = 'export'",
        "UPDATE operation_items SET code = 'nonsense', detail = '' WHERE name = 'b.txt' AND operation_id IN (SELECT id FROM operations WHERE action = 'archive')",
        "UPDATE jobs SET attempts = 5000000000 WHERE kind = 'export'",
    ] {
        assert!(app.tampers(sql).await >= 1, "{sql}");
    }

    let usage = alice.get("/v1/usage").await.expecting(200);
    assert_eq!(usage["documents"]["total"], 3, "{usage}");
    let types: Vec<_> = usage["by_type"]
        .as_array()
        .unwrap()
        .iter()
        .map(|of| &of["documents"])
        .collect();
    assert_eq!(types, [&json!(2)], "{usage}");
    bob.get("/v1/usage").await.expecting(200);
    for limit in [1, 2, 200] {
        let names = every(&admin, "/v1/admin/users", limit, "name").await;
        assert!(
            names.contains(&json!("alice")) && !names.contains(&json!("")),
            "{names:?}"
        );
        let numbers = every(&alice, &format!("{}/versions", paths[0]), limit, "number").await;
        assert_eq!(numbers, [json!(3), json!(1)]);
        assert_eq!(
            every(&alice, "/v1/operations", limit, "action").await,
            [json!("archive")]
        );
        let items = format!("/v1/operations/{}/items", archive["id"].as_str().unwrap());
        assert_eq!(every(&alice, &items, limit, "result").await.len(), 2);
        let kinds = every(&admin, "/v1/admin/jobs?state=done", limit, "kind").await;
        assert!(
            !kinds.is_empty() && !kinds.contains(&json!("export")),
            "{kinds:?}"
        );
        assert!(
            !every(&alice, &format!("{}/timeline", paths[0]), limit, "kind")
                .await
                .is_empty()
        );
    }
    // So many items would count against what one user may keep of operations.
    app.tampers("UPDATE operations SET total = 3, succeeded = 3 WHERE action = 'export'")
        .await;
    let ended = alice.runs(&export).await;
    assert_eq!(
        (&ended["status"], &ended["succeeded"], &ended["failed"]),
        (&json!("completed"), &json!(2), &json!(1))
    );
}

#[in_both_modes]
async fn a_pending_version_that_cannot_be_read_ends_in_error(mode: Mode) {
    let app = TestApp::builder(mode)
        .settings(&[("DOSSIER_BLOCKED_TYPES", "application/pdf")])
        .start()
        .await;
    let (admin, alice) = (app.admin(), app.user("alice").await);
    let pending = alice.uploads("a.pdf", PDF).await;
    let refused = alice.settled(&pending).await;
    assert_eq!(refused["error"]["code"], "type_not_allowed", "{refused}");
    for broken in ["name = ''", "declared_type = 'nonsense'"] {
        assert_eq!(
            app.tampers(&format!(
                "UPDATE versions SET {broken} WHERE status = 'error'"
            ))
            .await,
            1
        );
        let path = format!("/v1/documents/{}", pending["id"].as_str().unwrap());
        alice
            .post_json(&format!("{path}/retry"), &json!({}))
            .await
            .expect_status(202)
            .await;
        let other = alice.uploads("b.txt", format!("beside {broken}")).await;
        assert_eq!(alice.settled(&other).await["status"], "active");
        let failed = poll(PATIENCE, async || {
            let document = alice.get(&path).await.expecting(200);
            if document["status"] != "pending" {
                return Ok(document);
            }
            // The pauses between attempts grow to minutes: they are cut short.
            app.tampers("UPDATE jobs SET run_at = created_at WHERE state = 'ready' AND last_error IS NOT NULL").await;
            Err(document)
        })
        .await;
        assert_eq!(failed["status"], "error", "{failed}");
        assert_eq!(failed["error"]["code"], "internal", "{failed}");
        let usage = alice.get("/v1/usage").await.expecting(200);
        assert_eq!(usage["bytes"]["reserved"], 0, "{usage}");
        let kinds = every(&alice, &format!("{path}/timeline"), 50, "kind").await;
        assert_eq!(kinds.last(), Some(&json!("failed")), "{kinds:?}");
    }
    let dead = admin.get("/v1/admin/jobs?state=dead").await.expecting(200);
    assert_eq!(dead["items"].as_array().unwrap().len(), 2, "{dead}");
    app.ends_clean().await;
}
