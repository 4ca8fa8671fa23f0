//! What is told: every type of event, with what it tells of.

use std::collections::BTreeSet;
use std::time::Duration;

use domain::EventType;
use queue::JobKind;
use reqwest::Method;
use serde_json::{Value, json};
use tests::app::{Client, Mode, TestApp};
use tests::content::{PDF, PNG};
use tests::feed::{text, types, whole};
use tests::in_both_modes;
use tests::poll::wait_until;
use tests::tus;

async fn posts(client: &Client, path: &str) -> Value {
    let answer = client.send(client.request(Method::POST, path)).await;
    assert!(answer.status.is_success(), "{}", answer.text());
    answer.json()
}

async fn puts(client: &Client, path: &str, bytes: &'static [u8]) {
    let request = client.request(Method::PUT, &format!("{path}/content"));
    client.send(request.body(bytes)).await.expecting(202);
}

/// Waits until nobody works on documents.
async fn all_settled(app: &TestApp) {
    let open = "SELECT count(*) FROM versions WHERE status = 'pending'";
    let settled = async || app.number(open).await == 0;
    wait_until(Duration::from_mins(1), "all is settled", settled).await;
}

#[in_both_modes]
#[expect(clippy::too_many_lines, reason = "one course of events")]
async fn a_document_is_told_of_from_the_first_to_the_last(mode: Mode) {
    let app = TestApp::builder(mode)
        .settings(&[("DOSSIER_BLOCKED_TYPES", "image/png")])
        .start()
        .await;
    let alice = app.user("alice").await;
    let document = alice.active("report.pdf", PDF).await;
    let path = format!("/v1/documents/{}", text(&document["id"]));
    let edited = json!({"name": "final.pdf", "metadata": {"n": 1e5, "deep": {"a": [1, null]}}});
    alice.patch_json(&path, &edited).await.expecting(200);
    // What changes nothing isn't told.
    alice.patch_json(&path, &edited).await.expecting(200);
    posts(&alice, &format!("{path}/archive")).await;
    posts(&alice, &format!("{path}/restore")).await;
    puts(&alice, &path, b"another text").await;
    all_settled(&app).await;
    puts(&alice, &path, PNG).await;
    all_settled(&app).await;
    posts(&alice, &format!("{path}/versions/1/restore")).await;
    assert_eq!(
        alice.delete(&format!("{path}/versions/3")).await.status,
        204
    );
    let last = alice.get(&path).await.expecting(200);
    assert_eq!(alice.delete(&path).await.status, 204);
    let failed = alice.uploads("a.png", PNG).await;
    let failed = alice.settled(&failed).await;
    posts(
        &alice,
        &format!("/v1/documents/{}/retry", text(&failed["id"])),
    )
    .await;
    all_settled(&app).await;

    let (events, _) = whole(&alice, None).await;
    assert_eq!(
        types(&events),
        [
            "document.accepted",
            "document.activated",
            "document.updated",
            "document.archived",
            "document.restored",
            "document.version_accepted",
            "document.version_activated",
            "document.version_accepted",
            "document.version_failed",
            "document.version_activated",
            "document.version_deleted",
            "document.deleted",
            "document.accepted",
            "document.failed",
            "document.updated",
            "document.failed",
        ]
    );
    // After each event the document is what it was after it.
    let state = |index: usize| &events[index]["data"]["document"];
    assert_eq!(state(1), &document);
    assert_eq!(
        (&state(0)["status"], &state(0)["revision"]),
        (&json!("pending"), &json!(1))
    );
    assert_eq!(state(2)["name"], "final.pdf");
    assert_eq!(state(2)["metadata"], edited["metadata"]);
    assert_eq!(state(3)["status"], "archived");
    assert_eq!(
        (&state(6)["version"], &events[6]["data"]["version"]),
        (&json!(2), &json!(2))
    );
    assert_eq!(events[8]["data"]["code"], "type_not_allowed");
    assert_eq!(state(8)["status"], "active");
    assert_eq!(events[10]["data"]["version"], 3);
    assert_eq!(state(11), &last);
    assert_eq!(state(13), &failed);
    assert_eq!(state(14)["status"], "pending");
    let mut ids = BTreeSet::new();
    for event in &events {
        let members: Vec<_> = event.as_object().unwrap().keys().collect();
        assert_eq!(
            members,
            ["at", "data", "document_id", "id", "operation_id", "type"]
        );
        assert_eq!(event["document_id"], event["data"]["document"]["id"]);
        assert_eq!(event["operation_id"], Value::Null);
        assert!(ids.insert(text(&event["id"])));
    }
    // The timeline is the same log, and goes with its document.
    let timeline = format!("/v1/documents/{}/timeline", text(&failed["id"]));
    let timeline = alice.get(&timeline).await.expecting(200);
    let kinds = timeline["items"].as_array().unwrap().iter();
    let kinds: Vec<_> = kinds.filter(|item| item["duration_ms"].is_null()).collect();
    assert_eq!(kinds.len(), 2, "accepted and retried: {timeline}");
    app.ends_clean().await;
}

#[in_both_modes]
async fn everything_that_is_not_a_single_document_is_told_too(mode: Mode) {
    // Nobody runs bulk operations at first, so that one can be cancelled.
    let app = TestApp::builder(mode)
        .settings(&[
            ("DOSSIER_QUEUES", "ingest,maintenance"),
            ("DOSSIER_UPLOAD_EXPIRES", "2s"),
        ])
        .start()
        .await;
    let alice = app.user("alice").await;
    let document = alice.active("a.txt", "a").await;
    let (_, begin) = whole(&alice, None).await;
    let select = json!({"ids": [document["id"]]});
    let cancelled = json!({"action": "delete", "select": select});
    let cancelled = alice.asks_for(&cancelled).await;
    let path = format!("/v1/operations/{}", text(&cancelled["id"]));
    posts(&alice, &format!("{path}/cancel")).await;
    for process in app.workers() {
        process.terminate().await;
        let queues = ("DOSSIER_QUEUES", "ingest,bulk,maintenance");
        process.restart_with(&[queues]).await;
    }
    let ended = alice.ended(&cancelled).await;
    assert_eq!(ended["status"], "cancelled");
    let archived = json!({"action": "archive", "select": select});
    let archived = alice.runs(&archived).await;
    let refused = alice.begins_import("this is no archive", "").await;
    let refused = alice.ended(&refused).await;
    assert_eq!(refused["status"], "error");
    tus::create(&alice, "slow.bin", 1_000).await;
    let told = "SELECT count(*) FROM events WHERE type = 'upload.expired'";
    wait_until(Duration::from_mins(1), "it has expired", async || {
        app.works_off(JobKind::ExpireUploads).await;
        app.number(told).await == 1
    })
    .await;
    let ticket = alice.post_json("/v1/tickets", &json!({"uses": 2})).await;
    let ticket = ticket.expect_status(201).await;
    let nobody = app.nobody();
    let upload = nobody.request(
        Method::POST,
        &format!("{}?name=b.txt", text(&ticket["url"])),
    );
    nobody.send(upload.body("b")).await.expecting(202);
    all_settled(&app).await;

    let (events, _) = whole(&alice, Some(&begin)).await;
    assert_eq!(
        types(&events),
        [
            "operation.created",
            "operation.cancelled",
            "operation.created",
            "document.archived",
            "operation.completed",
            "operation.created",
            "operation.failed",
            "upload.expired",
            "ticket.used",
            "document.accepted",
            "document.activated",
        ]
    );
    assert_eq!(events[1]["data"]["operation"], ended);
    assert_eq!(events[3]["operation_id"], archived["id"]);
    assert_eq!(events[3]["document_id"], document["id"]);
    assert_eq!(events[4]["data"]["operation"], archived);
    assert_eq!(events[4]["document_id"], Value::Null);
    assert_eq!(events[6]["data"]["operation"], refused);
    assert_eq!(
        (
            &events[7]["data"]["upload"]["name"],
            &events[7]["data"]["upload"]["length"]
        ),
        (&json!("slow.bin"), &json!(1_000))
    );
    let used = json!({"id": ticket["id"], "uses_left": 1});
    assert_eq!(events[8]["data"]["ticket"], used);
    app.ends_whole(1).await;
}

/// The two tests above reach them.
#[test]
fn every_type_is_reached() {
    let this = include_str!("types.rs");
    for kind in EventType::ALL {
        assert!(this.contains(&format!("\"{kind}\",\n")), "{kind}");
    }
}
