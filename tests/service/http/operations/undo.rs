//! Operations that are undone.

use serde_json::{Value, json};
use tests::app::{Mode, TestApp};
use tests::in_both_modes;

use super::items::{counts, ids, now, outcomes, post, settled};

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
