//! Processes that are asked to stop: they say so, finish what they began, and are missed by nobody.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures::{SinkExt, StreamExt};
use reqwest::Method;
use serde_json::Value;
use tests::app::{Client, Mode, TestApp, Upload};
use tests::content::pseudo_random;
use tests::in_both_modes;
use tests::poll::{poll, wait_until};
use tests::servers::Dossier;
use tokio::sync::{mpsc, watch};

/// Waits until the process answers that it isn't ready because it stops. Until it has noticed, it
/// may name what else fails.
async fn tells_of_its_stop(client: &Client, process: &Dossier) {
    let operator = client.speaking_to(&process.ops());
    let answer = poll(Duration::from_secs(20), async || {
        let answer = operator.get("/health/ready").await;
        if answer.status == 503 && answer.json()["errors"][0]["pointer"] == "process" {
            Ok(answer)
        } else {
            Err(answer.text())
        }
    })
    .await;
    answer.expect_problem(503, "unavailable");
}

#[in_both_modes]
async fn a_stop_is_told_and_an_upload_under_way_is_finished(mode: Mode) {
    let app = TestApp::start(mode).await;
    let alice = app.user("alice").await;
    let (mut chunks, body) = futures::channel::mpsc::channel::<Result<Bytes, std::io::Error>>(0);
    let request = alice
        .request(Method::POST, "/v1/documents?name=slow.bin")
        .body(reqwest::Body::wrap_stream(body));
    let uploading = tokio::spawn({
        let alice = alice.clone();
        async move { alice.send(request).await }
    });
    chunks.send(Ok(pseudo_random(1, 100_000))).await.unwrap();
    // It is under way once the client, being connected, has taken what there is to send.
    chunks.flush().await.unwrap();
    app.ingress().ask_to_end();
    tells_of_its_stop(&alice, app.ingress()).await;
    chunks.send(Ok(pseudo_random(2, 100_000))).await.unwrap();
    drop(chunks);
    let answer = uploading.await.unwrap();
    let document = answer.expecting(202);
    assert_eq!(answer.header("connection"), "close");
    app.ingress().ended().await;
    app.ingress().restart().await;
    assert_eq!(alice.settled(&document).await["status"], "active");
    app.ends_clean().await;
}

#[in_both_modes]
async fn a_worker_that_stops_under_load_finishes_or_hands_back(mode: Mode) {
    // The lease is a minute here: what was left running would show.
    let app = TestApp::builder(mode)
        .settings(&[("DOSSIER_LEASE", "1m")])
        .start()
        .await;
    let alice = app.user("alice").await;
    let worker = app.workers()[0];
    for other in &app.workers()[1..] {
        other.terminate().await;
    }
    let mut all = Vec::new();
    for stop in 0..STOPS {
        let accepted = AtomicUsize::new(0);
        let upload = async |index: u64| {
            let seed = stop * UPLOADS + index;
            let upload = Upload::new(&format!("{seed}.bin"), content(seed));
            // In the embedded mode nobody is there after the stop.
            let document = alice.try_upload(upload).await.ok()?.expecting(202);
            accepted.fetch_add(1, Ordering::SeqCst);
            Some((document, seed))
        };
        let uploads = futures::stream::iter(0..UPLOADS)
            .map(upload)
            .buffer_unordered(16);
        let stops = async {
            let are_in = async || accepted.load(Ordering::SeqCst) >= 20;
            wait_until(Duration::from_mins(1), "uploads are in", are_in).await;
            worker.terminate().await;
            assert_eq!(jobs(&app, "state = 'running'").await, 0, "nobody runs them");
            let counted = "state = 'ready' AND attempts > 0";
            assert_eq!(jobs(&app, counted).await, 0, "what was handed back counts");
        };
        let (uploaded, ()) = tokio::join!(uploads.collect::<Vec<_>>(), stops);
        all.extend(uploaded.into_iter().flatten());
        worker.restart().await;
    }
    for other in &app.workers()[1..] {
        other.restart().await;
    }
    let cut = usize::try_from(STOPS * UPLOADS).unwrap() - all.len();
    app.ends_whole(cut).await;
    for (document, seed) in &all {
        let document = alice.settled(document).await;
        assert_eq!(document["status"], "active", "{document}");
        assert!(alice.downloads(&document).await == content(*seed));
    }
    let twice = app.number(
        "SELECT (SELECT count(*) FROM events WHERE kind = 'activated') \
            - (SELECT count(*) FROM versions WHERE status = 'active')",
    );
    assert_eq!(twice.await, 0);
}

/// How often a worker is stopped.
const STOPS: u64 = 6;

/// Uploads around each stop.
const UPLOADS: u64 = 80;

/// Some of it comes again and again.
fn content(seed: u64) -> Bytes {
    pseudo_random(seed % 90, 20_000)
}

async fn jobs(app: &TestApp, condition: &str) -> i64 {
    app.number(&format!("SELECT count(*) FROM jobs WHERE {condition}"))
        .await
}

/// Uploads to whichever of the two processes doesn't refuse the connection, until it is told to
/// stop. Any other failure ends it.
async fn uploads_on(
    doors: [Client; 2],
    seed: u64,
    mut stop: watch::Receiver<bool>,
    accepted: mpsc::UnboundedSender<Value>,
) {
    let mut index = 0;
    while !*stop.borrow_and_update() {
        index += 1;
        let bytes = pseudo_random(seed ^ index, 3_000);
        let name = format!("{seed}-{index}.bin");
        let mut refusals = 0;
        let answer = loop {
            let door = &doors[usize::from((index + refusals) % 2 == 1)];
            let request = door
                .request(Method::POST, "/v1/documents")
                .query(&[("name", &name)])
                .header("content-type", "application/octet-stream")
                .body(bytes.clone());
            match door.try_send(request).await {
                Ok(answer) => break answer,
                Err(error) if error.is_connect() => {
                    refusals += 1;
                    assert!(refusals < 200, "nobody is there");
                    // Neither may listen for a moment.
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
                Err(error) => panic!("a request was lost: {error:?}"),
            }
        };
        accepted.send(answer.expecting(202)).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rolling_restart_fails_no_request_and_no_upload() {
    let app = Box::pin(TestApp::start(Mode::Distributed)).await;
    let second = Dossier::start("ingress", app.variables()).await;
    let alice = app.user("alice").await;
    let doors = [alice.clone(), alice.speaking_to(&second.api())];
    let (stop, stopped) = watch::channel(false);
    let (accepted, mut documents) = mpsc::unbounded_channel();
    let clients: Vec<_> = (0..6)
        .map(|client| {
            let uploads = uploads_on(
                doors.clone(),
                client << 32,
                stopped.clone(),
                accepted.clone(),
            );
            tokio::spawn(uploads)
        })
        .collect();
    drop(accepted);
    for process in [app.ingress(), &second]
        .into_iter()
        .chain(app.workers())
        .cycle()
        .take(8)
    {
        process.terminate().await;
        process.restart().await;
    }
    stop.send(true).unwrap();
    for client in clients {
        client.await.unwrap();
    }
    let mut all = Vec::new();
    documents.recv_many(&mut all, usize::MAX).await;
    println!("{} uploads during 8 restarts", all.len());
    assert!(all.len() > 50, "a load that would notice");
    let ends: Vec<_> = futures::stream::iter(&all)
        .map(|document| alice.settled(document))
        .buffer_unordered(8)
        .collect()
        .await;
    assert!(ends.iter().all(|document| document["status"] == "active"));
    second.terminate().await;
    app.ends_clean().await;
}
