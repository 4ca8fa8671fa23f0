//! Processes killed, a server flushed: every accepted upload ends active all the same.

use std::time::Duration;

use futures::{StreamExt, TryStreamExt};
use queue::JobKind;
use serde_json::Value;
use tests::app::{Client, Mode, TestApp};
use tests::content::pseudo_random;
use tests::in_both_modes;
use tests::poll::wait_until;
use tests::tus;

/// How long something may take.
const PATIENCE: Duration = Duration::from_mins(1);

/// A lease short enough to see it end.
const SHORT_LEASE: (&str, &str) = ("DOSSIER_LEASE", "2s");

async fn accepted(client: &Client, count: usize) -> Vec<(Value, usize)> {
    futures::stream::iter(0..count)
        .map(|index| async move {
            let bytes = pseudo_random(index as u64, 2_000 + index * 100);
            (client.uploads(&format!("{index}.bin"), bytes).await, index)
        })
        .buffer_unordered(16)
        .collect()
        .await
}

async fn all_active(client: &Client, documents: &[(Value, usize)]) {
    for (document, index) in documents {
        let document = client.settled(document).await;
        assert_eq!(document["status"], "active", "{document}");
        assert_eq!(
            client.downloads(&document).await,
            pseudo_random(*index as u64, 2_000 + index * 100)
        );
    }
}

#[in_both_modes]
async fn everything_is_still_there_after_a_kill(mode: Mode) {
    let app = TestApp::builder(mode)
        .settings(&[SHORT_LEASE])
        .start()
        .await;
    let alice = app.user("alice").await;
    let documents = accepted(&alice, 40).await;
    for process in app.workers() {
        process.kill().await;
    }
    if mode == Mode::Distributed {
        app.ingress().kill().await;
        app.ingress().restart().await;
    }
    for process in app.workers() {
        process.restart().await;
    }
    all_active(&alice, &documents).await;
    // What was half written at the kill waits for the cleanup.
    app.ends_whole(documents.len()).await;
}

#[in_both_modes]
async fn a_stop_in_order_loses_nothing_and_takes_no_lease(mode: Mode) {
    let app = TestApp::builder(mode)
        .settings(&[("DOSSIER_LEASE", "1m")])
        .start()
        .await;
    let alice = app.user("alice").await;
    let documents = accepted(&alice, 60).await;
    for process in app.workers() {
        process.terminate().await;
        process.restart().await;
    }
    // The lease is a minute here: what was not handed back would still be held.
    let settled = tokio::time::timeout(Duration::from_secs(45), all_active(&alice, &documents));
    settled.await.expect("jobs were handed back");
    app.ends_clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn workers_killed_and_redis_flushed_lose_no_upload() {
    let app = TestApp::builder(Mode::Distributed)
        .settings(&[SHORT_LEASE])
        .start()
        .await;
    let alice = app.user("alice").await;
    let mut documents = Vec::new();
    for round in 0..4 {
        let uploads = accepted(&alice, 40);
        let chaos = async {
            let worker = app.workers()[round % 2];
            // Each time when more of the uploads are in.
            let are_in = i64::try_from(40 * round + 1 + 10 * round).unwrap();
            let taken_in = "SELECT count(*) FROM documents";
            let is_time = async || app.number(taken_in).await >= are_in;
            wait_until(Duration::from_secs(30), "uploads are in", is_time).await;
            worker.kill().await;
            app.redis().expect("this mode has a Redis").flush().await;
            worker.restart().await;
        };
        let (accepted, ()) = tokio::join!(uploads, chaos);
        documents.extend(accepted);
    }
    all_active(&alice, &documents).await;
    app.ends_clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_may_be_away_for_a_while() {
    let app = TestApp::start(Mode::Distributed).await;
    let alice = app.user("alice").await;
    let redis = app.redis().expect("this mode has a Redis");
    redis.stop().await;
    let documents = accepted(&alice, 20).await;
    all_active(&alice, &documents).await;
    redis.start().await;
    let documents = accepted(&alice, 20).await;
    all_active(&alice, &documents).await;
    app.ends_clean().await;
}

/// On S3 the end of an upload that is no part yet is an object of its own. One that was written by a
/// process that died before it could say so has no row, and is swept like any other.
#[tokio::test]
async fn a_tail_that_no_row_knows_is_swept() {
    let app = TestApp::builder(Mode::Distributed)
        .settings(&[
            ("DOSSIER_STRAY_AFTER", "20s"),
            ("DOSSIER_KEEP_QUARANTINED_FOR", "0s"),
        ])
        .start()
        .await;
    let alice = app.user("alice").await;
    let bytes = pseudo_random(1, 3_000);
    let upload = tus::create(&alice, "noise.bin", bytes.len()).await;
    app.ingress().terminate().await;
    let trap = [("DOSSIER_CRASH_AT", "upload.flushed:1")];
    app.ingress().restart_with(&trap).await;
    let append = tus::append(&alice, &upload, 0, bytes.slice(..1_000));
    assert!(alice.try_send(append).await.is_err());
    app.ingress().aborted(PATIENCE).await;
    app.ingress().restart().await;
    let offset = tus::offset(&alice, &upload).await;
    assert_eq!(offset, 0);
    let last = tus::patch(&alice, &upload, 0, bytes.clone()).await;
    let document = tus::document(&alice, &last).await;
    assert!(alice.downloads(&document).await == bytes);
    let strays = async || {
        let objects = app.places().await.store().list(None).await.unwrap();
        objects.try_collect::<Vec<_>>().await.unwrap().len() - 1
    };
    assert!(strays().await > 0, "it left no tail");
    wait_until(PATIENCE, "it is swept", async || {
        app.works_off(JobKind::SweepStore).await;
        app.works_off(JobKind::RemoveDiscarded).await;
        strays().await == 0
    })
    .await;
    app.ends_clean().await;
}
