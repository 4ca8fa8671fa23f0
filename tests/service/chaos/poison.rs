//! Files that take their worker along, each time it begins them: they end in `error` after a
//! bounded number of attempts, others don't suffer, and an operator has them tried again.

use std::time::Duration;

use bytes::Bytes;
use futures::future::join_all;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tests::app::{Client, Mode, TestApp};
use tests::archives::archive_of;
use tests::content::pseudo_random;
use tests::in_both_modes;
use tests::poll::{poll, wait_until};

const POISON: &str = "poison.bin";

/// Where the poison works.
const TRAP: &str = "identify.before=poison.bin";

/// How long all attempts at the poison may take.
const PATIENCE: Duration = Duration::from_secs(150);

fn content(index: u64) -> Bytes {
    pseudo_random(index, 2_000 + usize::try_from(index).unwrap())
}

/// Uploads others while the poison is being worked on.
async fn uploads_others(client: &Client, seeds: std::ops::Range<u64>) -> Vec<(u64, Value)> {
    let upload = async |seed| {
        (
            seed,
            client.uploads(&format!("{seed}.bin"), content(seed)).await,
        )
    };
    join_all(seeds.map(upload)).await
}

async fn are_active(client: &Client, others: &[(u64, Value)]) {
    for (seed, document) in others {
        let document = client.settled(document).await;
        assert_eq!(document["status"], "active", "{document}");
        assert!(client.downloads(&document).await == content(*seed));
    }
}

/// The poison has failed, its job is dead; without the poison it passes.
async fn is_tried_again(app: &TestApp, alice: &Client, poison: &Value, cause: &str) {
    let failed = alice.settled(poison).await;
    assert_eq!(failed["status"], "error", "{failed}");
    assert_eq!(failed["error"]["code"], "internal");
    let admin = app.admin();
    let dead = admin.get("/v1/admin/jobs?state=dead").await.expecting(200);
    let dead = dead["items"].as_array().unwrap();
    assert_eq!(dead.len(), 1, "{dead:?}");
    let told = dead[0]["last_error"].as_str().unwrap();
    assert!(told.contains(cause), "{told}");
    let retry = format!("/v1/admin/jobs/{}/retry", dead[0]["id"].as_str().unwrap());
    admin
        .post_json(&retry, &json!({}))
        .await
        .expect_status(202)
        .await;
    let healed = alice.settled(poison).await;
    assert_eq!(healed["status"], "active", "{healed}");
    assert!(alice.downloads(&healed).await == content(0));
    let dead = admin.get("/v1/admin/jobs?state=dead").await.expecting(200);
    assert_eq!(dead["items"], json!([]));
    app.ends_clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_kills_its_worker_ends_in_error_and_others_go_on() {
    let app = Box::pin(
        TestApp::builder(Mode::Distributed)
            .settings(&[("DOSSIER_LEASE", "2s")])
            .start(),
    )
    .await;
    let alice = app.user("alice").await;
    for worker in app.workers() {
        worker.terminate().await;
        worker.restart_with(&[("DOSSIER_CRASH_AT", TRAP)]).await;
    }
    let mut others = uploads_others(&alice, 1..10).await;
    let poison = alice.uploads(POISON, content(0)).await;
    others.extend(uploads_others(&alice, 10..20).await);

    let path = format!("/v1/documents/{}", poison["id"].as_str().unwrap());
    let is_pending = async || alice.get(&path).await.expecting(200)["status"] == "pending";
    let (mut deaths, mut meanwhile) = (0, 0);
    poll(PATIENCE, async || {
        for worker in app.workers() {
            if !worker.runs() {
                worker.aborted(PATIENCE).await;
                worker
                    .begins_again_with(&[("DOSSIER_CRASH_AT", TRAP)])
                    .await;
                deaths += 1;
                let seed = 100 + deaths;
                others.extend(uploads_others(&alice, seed..seed + 1).await);
            }
        }
        let active = alice
            .get("/v1/documents?status=active&limit=1")
            .await
            .expecting(200);
        meanwhile += usize::from(active["items"] != json!([]));
        if is_pending().await {
            Err(format!("{deaths} deaths"))
        } else {
            Ok(())
        }
    })
    .await;
    assert_eq!(deaths, 8, "as many as there are attempts");
    assert!(
        meanwhile > 0,
        "others became active before the poison was given up"
    );
    are_active(&alice, &others).await;
    for worker in app.workers() {
        worker.terminate().await;
        worker.restart().await;
    }
    is_tried_again(&app, &alice, &poison, "every attempt crashed its worker").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_archive_that_kills_the_only_process_ends_in_error() {
    const TRAP: [(&str, &str); 1] = [("DOSSIER_CRASH_AT", "directory.before-commit:1")];
    let app = Box::pin(TestApp::start(Mode::Embedded)).await;
    let alice = app.user("alice").await;
    let serve = app.workers().remove(0);
    serve.terminate().await;
    serve.restart_with(&TRAP).await;
    let import = alice
        .request(Method::POST, "/v1/operations/import")
        .header("content-type", "application/zip");
    // The process may die before its answer is there.
    let archive = archive_of(&[("a.txt", "text")]);
    drop(alice.try_send(import.body(archive)).await);
    let is_over = async || {
        let list = alice.request(Method::GET, "/v1/operations");
        let answer = alice.try_send(list).await.ok();
        let answer = answer.filter(|answer| answer.status == StatusCode::OK);
        answer.is_some_and(|answer| answer.json()["items"][0]["finished_at"].is_string())
    };
    let mut deaths = 0;
    poll(PATIENCE, async || {
        if !serve.runs() {
            serve.aborted(PATIENCE).await;
            serve.begins_again_with(&TRAP).await;
            deaths += 1;
        }
        if is_over().await {
            Ok(())
        } else {
            Err(format!("{deaths} deaths"))
        }
    })
    .await;
    assert_eq!(deaths, 8, "as many as there are attempts");
    let operations = alice.get("/v1/operations").await.expecting(200);
    let operation = &operations["items"][0];
    assert_eq!(operation["status"], "error", "{operation}");
    assert_eq!(operation["error"]["code"], "internal", "{operation}");
    // Others are served.
    let document = alice.uploads("a.bin", content(1)).await;
    are_active(&alice, &[(1, document)]).await;
}

#[in_both_modes]
async fn a_file_that_panics_ends_in_error_and_others_go_on(mode: Mode) {
    let app = TestApp::builder(mode)
        .settings(&[("DOSSIER_LEASE", "2s")])
        .start()
        .await;
    let alice = app.user("alice").await;
    for worker in app.workers() {
        worker.terminate().await;
        worker.restart_with(&[("DOSSIER_PANIC_AT", TRAP)]).await;
    }
    let poison = alice.uploads(POISON, content(0)).await;
    let others = uploads_others(&alice, 1..10).await;
    are_active(&alice, &others).await;
    let path = format!("/v1/documents/{}", poison["id"].as_str().unwrap());
    wait_until(PATIENCE, "the poison is given up", async || {
        // The pauses between attempts grow to minutes: they are cut short.
        app.tampers("UPDATE jobs SET run_at = 0 WHERE state = 'ready' AND last_error IS NOT NULL")
            .await;
        alice.get(&path).await.expecting(200)["status"] != "pending"
    })
    .await;
    for worker in app.workers() {
        assert!(worker.runs(), "a panic ends an attempt, not its worker");
        worker.terminate().await;
        worker.restart().await;
    }
    is_tried_again(&app, &alice, &poison, "a test had this happen").await;
}
