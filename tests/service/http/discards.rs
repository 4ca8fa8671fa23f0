//! Who uploads and deletes while nobody removes anything meets a bound of their own.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;
use tests::app::{Mode, TestApp};
use tests::content::{PDF, pseudo_random};
use tests::in_both_modes;
use tests::poll::wait_until;

const MIB: usize = 1 << 20;

#[in_both_modes]
async fn who_uploads_and_deletes_in_a_loop_is_stopped_while_nobody_removes(mode: Mode) {
    let app = TestApp::start(mode).await;
    for worker in app.workers() {
        worker.terminate().await;
        worker
            .restart_with(&[("DOSSIER_QUEUES", "ingest,bulk")])
            .await;
    }
    let alice = app
        .user_with(json!({"name": "alice", "quota_bytes": MIB, "quota_documents": 10}))
        .await;
    let mut rounds = 0;
    let refused = loop {
        let content = [PDF, &pseudo_random(rounds, 1_000 << 10)].concat();
        let request = alice.request(Method::POST, "/v1/documents?name=loop.pdf");
        let answer = alice.send(request.body(content)).await;
        if answer.status != 202 {
            break answer;
        }
        let document = alice.settled(&answer.json()).await;
        assert_eq!(document["status"], "active", "{document}");
        let path = format!("/v1/documents/{}", document["id"].as_str().unwrap());
        alice.delete(&path).await.expecting(204);
        rounds += 1;
        assert!(rounds < 40, "nothing stops it");
    };
    refused.expect_problem(503, "storage_full");
    assert!(refused.header("retry-after").parse::<u32>().is_ok());
    assert!(
        refused.json()["detail"]
            .as_str()
            .unwrap()
            .contains("deleted")
    );
    // The quota twice, and 16 MiB.
    assert!((17..=18).contains(&rounds), "{rounds}");
    let import = alice.request(Method::POST, "/v1/operations/import");
    let import = import.header("content-type", "application/zip").body("PK");
    alice.send(import).await.expect_problem(503, "storage_full");
    let meters = reqwest::get(format!("{}/metrics", app.ingress().ops()))
        .await
        .unwrap();
    let meters = meters.text().await.unwrap();
    let waiting = meters
        .lines()
        .find_map(|line| line.strip_prefix("dossier_discarded_bytes "));
    assert!(
        waiting.unwrap().parse::<usize>().unwrap() > 16 * MIB,
        "{waiting:?}"
    );
    // Others go on, and so does what needs no room.
    let bob = app.user("bob").await;
    bob.active("report.pdf", PDF).await;
    assert_eq!(
        alice.get("/v1/usage").await.expecting(200)["bytes"]["used"],
        0
    );

    for worker in app.workers() {
        worker.terminate().await;
        worker.restart().await;
    }
    let nothing_waits = async || app.number("SELECT count(*) FROM discards").await == 0;
    wait_until(Duration::from_mins(1), "all is removed", nothing_waits).await;
    alice.active("again.pdf", PDF).await;
    app.ends_clean().await;
}
