//! The service without Redis: hints go through PostgreSQL. The whole suite runs so with
//! `DOSSIER_TEST_QUEUE=postgres`.

use reqwest::Method;
use serde_json::{Value, json};
use tests::app::{Carrier, Client, Mode, TestApp};
use tests::content::{PDF, PNG};
use tests::poll::poll;

use super::hints::{LONG, becomes_active, uploads_until_heard};

async fn are_ready(app: &TestApp) {
    for process in app.workers().into_iter().chain([app.ingress()]) {
        poll(LONG, async || {
            let url = format!("{}/health/ready", process.ops());
            let answer = reqwest::get(url).await.unwrap();
            let status = answer.status().as_u16();
            let text = answer.text().await.unwrap();
            if status == 200 { Ok(()) } else { Err(text) }
        })
        .await;
    }
}

async fn post(client: &Client, path: &str) -> Value {
    client.post_json(path, &json!({})).await.answer().json()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_with_postgresql_alone_lacks_nothing() {
    let app = TestApp::builder(Mode::Distributed)
        .hints_by(Carrier::Postgres)
        .start()
        .await;
    app.redis().unwrap().stop().await;
    are_ready(&app).await;
    let (alice, admin) = (app.user("alice").await, app.admin());
    uploads_until_heard(&app, &alice).await;

    // Who waits in another process than the one that works is told.
    let upload = alice
        .request(Method::POST, "/v1/documents?name=awaited.png")
        .header("prefer", "wait=60");
    let active = alice.send(upload.body(PNG)).await.expecting(201);
    assert_eq!(active["status"], "active");

    // A pause holds against hints, and a cancel reaches who waits for the end.
    post(&admin, "/v1/admin/queues/bulk/pause").await;
    let archive = json!({"action": "archive", "select": {"ids": [active["id"]]}});
    let operation = alice.asks_for(&archive).await;
    let id = operation["id"].as_str().unwrap();
    let cancels = async {
        let cancelled = post(&alice, &format!("/v1/operations/{id}/cancel")).await;
        assert_eq!(cancelled["id"], id, "{cancelled}");
        post(&admin, "/v1/admin/queues/bulk/resume").await;
    };
    let (ended, ()) = tokio::join!(alice.ended(&operation), cancels);
    assert_eq!(ended["status"], "cancelled");
    assert_eq!(alice.runs(&archive).await["succeeded"], 1);
    app.ends_clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hints_arrive_again_after_the_server_lost_all_sessions() {
    let app = TestApp::builder(Mode::Distributed)
        .breakable()
        .hints_by(Carrier::Postgres)
        .start()
        .await;
    let alice = app.user("alice").await;
    uploads_until_heard(&app, &alice).await;
    let postgres = &app.breakable().postgres;
    let pending = alice.uploads("meanwhile.pdf", PDF).await;
    postgres.kills_session("dossier hints").await;
    are_ready(&app).await;
    becomes_active(&alice, &pending).await;
    uploads_until_heard(&app, &alice).await;
    app.ends_clean().await;
}
