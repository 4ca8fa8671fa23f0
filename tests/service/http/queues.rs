//! Queues that an operator pauses and resumes.

use serde_json::{Value, json};
use tests::app::{Client, Ended, Mode, TestApp};
use tests::content::{PDF, PNG};
use tests::in_both_modes;

async fn queue(admin: &Client, name: &str) -> Value {
    let list = admin.get("/v1/admin/queues").await.expecting(200);
    let mut items = list["items"].as_array().unwrap().iter();
    items.find(|item| item["queue"] == name).unwrap().clone()
}

async fn change(admin: &Client, path: &str) -> Value {
    let path = format!("/v1/admin/queues/{path}");
    admin
        .post_json(&path, &json!({}))
        .await
        .expect_status(200)
        .await
}

async fn meter(app: &TestApp) -> String {
    let workers = app.workers();
    let worker = workers.first().copied().unwrap_or(app.ingress());
    let url = format!("{}/metrics", worker.ops());
    let metrics = reqwest::get(url).await.unwrap().text().await.unwrap();
    let mut lines = metrics.lines();
    let name = "dossier_queue_paused{queue=\"ingest\"} ";
    let line = lines.find_map(|line| line.strip_prefix(name));
    line.unwrap().to_owned()
}

#[in_both_modes]
async fn workers_claim_nothing_of_a_paused_queue(mode: Mode) {
    let app = TestApp::start(mode).await;
    let (alice, admin) = (app.user("alice").await, app.admin());
    let first = alice.active("first.pdf", PDF).await;
    let paused = change(&admin, "ingest/pause").await;
    assert_eq!(
        (&paused["queue"], &paused["paused"]),
        (&json!("ingest"), &json!(true))
    );
    // Once more changes nothing.
    assert_eq!(change(&admin, "ingest/pause").await, paused);
    let pending = alice.uploads("second.png", PNG).await;
    let shown = queue(&admin, "ingest").await;
    assert_eq!(
        (&shown["paused"], &shown["paused_at"], &shown["depth"]),
        (&json!(true), &paused["paused_at"], &json!(1))
    );
    // It is overdue for an hour, which would turn uploads away if nobody had paused the queue.
    app.tampers(
        "UPDATE jobs SET run_at = run_at - 3600000000 WHERE state = 'ready' AND queue = 'ingest'",
    )
    .await;
    // Workers go on with the other queues meanwhile.
    for _ in 0..5 {
        let archive = json!({"action": "archive", "select": {"ids": [first["id"]]}});
        alice.runs(&archive).await;
    }
    let untouched = "SELECT count(*) FROM jobs WHERE queue = 'ingest' AND state = 'ready' AND attempts = 0 AND fence = 0";
    assert_eq!(app.number(untouched).await, 1);
    let third = alice.uploads("third.pdf", PDF).await;
    tests::poll::poll(std::time::Duration::from_mins(1), async || {
        let meter = meter(&app).await;
        if meter == "1" { Ok(()) } else { Err(meter) }
    })
    .await;

    let resumed = change(&admin, "ingest/resume").await;
    assert_eq!(
        resumed,
        json!({"queue": "ingest", "paused": false, "paused_at": null})
    );
    for document in [pending, third] {
        assert_eq!(alice.settled(&document).await["status"], "active");
    }
    assert_eq!(queue(&admin, "ingest").await["paused"], false);
    let unknown = admin
        .post_json("/v1/admin/queues/other/pause", &json!({}))
        .await;
    unknown.answer().expect_problem(404, "not_found");
    app.ends_clean().await;
}

#[in_both_modes]
async fn the_command_line_pauses_and_resumes(mode: Mode) {
    let app = TestApp::start(mode).await;
    let (alice, admin) = (app.user("alice").await, app.admin());
    let document = alice.active("report.pdf", PDF).await;
    let Ended { code, printed } = app.command(&["queue", "pause", "bulk"]).await;
    assert!(code == 0 && printed == "bulk is paused\n", "{printed}");
    let archive = json!({"action": "archive", "select": {"ids": [document["id"]]}});
    let operation = alice.asks_for(&archive).await;
    assert_eq!(queue(&admin, "bulk").await["paused"], true);
    let Ended { code, printed } = app.command(&["queue", "list"]).await;
    let line = printed.lines().find(|line| line.starts_with("bulk "));
    let line = line.unwrap_or_default();
    assert!(
        code == 0 && line.contains("1 waiting  0 running") && line.contains("paused since"),
        "{printed}"
    );
    let Ended { code, printed } = app.command(&["queue", "resume", "bulk"]).await;
    assert!(code == 0 && printed == "bulk is not paused\n", "{printed}");
    assert_eq!(alice.ended(&operation).await["succeeded"], 1);
    assert_ne!(app.command(&["queue", "pause", "other"]).await.code, 0);
    let log = admin.get("/v1/admin/audit-log").await.expecting(200);
    let kinds = log["items"].as_array().unwrap().iter();
    let kinds: Vec<_> = kinds.map(|entry| entry["kind"].as_str().unwrap()).collect();
    for kind in ["queue.paused", "queue.resumed"] {
        assert!(kinds.contains(&kind), "{kinds:?}");
    }
    app.ends_clean().await;
}

#[in_both_modes]
async fn waiting_jobs_are_cancelled_and_their_documents_can_be_retried(mode: Mode) {
    let app = TestApp::start(mode).await;
    let (alice, admin) = (app.user("alice").await, app.admin());
    change(&admin, "ingest/pause").await;
    let mut pending = Vec::new();
    for name in ["first.pdf", "second.pdf", "third.pdf"] {
        pending.push(alice.uploads(name, PDF).await);
    }
    let cancel = "/v1/admin/jobs/cancel";
    let other = json!({"queue": "ingest", "kind": "export"});
    let none = admin.post_json(cancel, &other).await;
    let none = none.expect_status(202).await;
    assert_eq!(none, json!({"cancelled": 0, "more": false}));
    let all = json!({"queue": "ingest", "kind": "process_version"});
    let done = admin.post_json(cancel, &all).await.expect_status(202).await;
    assert_eq!(done, json!({"cancelled": 3, "more": false}));
    let Ended { code, printed } = app.command(&["job", "cancel", "--queue", "ingest"]).await;
    assert!(code == 0 && printed.starts_with("0 jobs"), "{printed}");
    change(&admin, "ingest/resume").await;
    for document in &pending {
        let failed = alice.settled(document).await;
        assert_eq!(failed["error"]["code"], "internal");
        assert_eq!(failed["error"]["retryable"], true);
    }
    let dead = admin.get("/v1/admin/jobs?state=dead").await.expecting(200);
    let dead = dead["items"].as_array().unwrap();
    assert_eq!(dead.len(), 3);
    for job in dead {
        assert_eq!(job["last_error"], "cancelled by an operator");
    }
    let retry = format!("/v1/documents/{}/retry", pending[0]["id"].as_str().unwrap());
    let request = alice.request(reqwest::Method::POST, &retry);
    alice.send(request).await.expecting(202);
    assert_eq!(alice.settled(&pending[0]).await["status"], "active");
}
