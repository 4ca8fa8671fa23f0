//! Back-pressure: uploads are turned away while work waits for too long.

use std::time::Duration;

use reqwest::{Body, Method};
use serde_json::json;
use tests::app::{Answer, Client, Mode, TestApp};
use tests::archives::made_by;
use tests::content::PDF;
use tests::in_both_modes;
use tests::poll::poll;

/// An upload whose body begins and never ends.
async fn endless(client: &Client) -> Answer {
    let begun = futures::stream::iter([Ok::<_, std::io::Error>("begun")]);
    let body = futures::StreamExt::chain(begun, futures::stream::pending());
    let request = client.request(Method::POST, "/v1/documents?name=endless.txt");
    client.send(request.body(Body::wrap_stream(body))).await
}

async fn until(client: &Client, status: u16) -> Answer {
    poll(Duration::from_mins(1), async || {
        let request = client.request(Method::POST, "/v1/documents?name=again.pdf");
        let answer = client.send(request.body(PDF)).await;
        if answer.status == status {
            Ok(answer)
        } else {
            Err(answer.text())
        }
    })
    .await
}

#[in_both_modes]
async fn uploads_are_turned_away_while_work_waits_for_too_long(mode: Mode) {
    // Nobody works on uploads.
    let settings = [
        ("DOSSIER_QUEUES", "maintenance"),
        ("DOSSIER_MAX_QUEUE_AGE", "1s"),
    ];
    let app = TestApp::builder(mode).settings(&settings).start().await;
    let alice = app.user("alice").await;
    let document = alice.uploads("first.pdf", PDF).await;
    let turned_away = until(&alice, 503).await;
    turned_away.expect_problem(503, "overloaded");
    assert!(turned_away.header("retry-after").parse::<u32>().is_ok());
    // It is told so before the body is read.
    endless(&alice).await.expect_problem(503, "overloaded");
    // Nobody's turn comes: that is so for everybody.
    let bob = app.user("bob").await;
    endless(&bob).await.expect_problem(503, "overloaded");
    let path = format!("/v1/documents/{}", document["id"].as_str().unwrap());
    alice.get(&path).await.expecting(200);
    let version = alice.request(Method::PUT, &format!("{path}/content"));
    alice
        .send(version.body(PDF))
        .await
        .expect_problem(503, "overloaded");
    // What waits for its time to come is not late.
    app.tampers("UPDATE jobs SET run_at = run_at + 3600000000 WHERE state = 'ready'")
        .await;
    until(&alice, 202).await;
    until(&bob, 202).await;
}

#[in_both_modes]
async fn who_imports_very_much_shuts_nobody_else_out(mode: Mode) {
    let settings = [
        ("DOSSIER_MAX_QUEUE_AGE", "5s"),
        ("DOSSIER_CONCURRENCY", "1"),
    ];
    let app = TestApp::builder(mode).settings(&settings).start().await;
    let (alice, bob) = (app.user("alice").await, app.user("bob").await);
    let archive = made_by(
        "
with zipfile.ZipFile(path, 'w') as z:
  for n in range(450): z.writestr(f'{n}.txt', f'the entry number {n}')",
    );
    let mut imports = Vec::new();
    for _ in 0..3 {
        imports.push(alice.begins_import(archive.clone(), "").await);
    }
    let waiting =
        "SELECT count(*) FROM jobs WHERE queue = 'ingest' AND state IN ('ready', 'running')";
    let (mut uploads, mut most) = (0, 0);
    loop {
        let pending = bob.uploads("mine.pdf", PDF).await;
        uploads += 1;
        most = most.max(app.number(waiting).await);
        assert_eq!(bob.settled(&pending).await["status"], "active");
        let open = app
            .number("SELECT count(*) FROM operations WHERE finished_at IS NULL")
            .await;
        if open == 0 {
            break;
        }
    }
    assert!(uploads > 3, "{uploads}");
    // As many as may wait, and a chunk of each import that found room at the same time.
    assert!(most <= 1_000 + 3 * 256 + 1, "{most}");
    for import in imports {
        let ended = alice.ended(&import).await;
        assert_eq!(
            (&ended["status"], &ended["succeeded"]),
            (&json!("completed"), &json!(450)),
            "{ended}"
        );
    }
    app.ends_clean().await;
}
