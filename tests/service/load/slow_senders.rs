//! Clients with a key who send a part of an upload and then hardly anything: what they hold of the
//! memory for uploads leaves enough to everybody else.

use std::time::Duration;

use futures::StreamExt;
use futures::future::join_all;
use reqwest::{Body, Method};
use tests::app::{Client, Mode, TestApp};
use tests::content::pseudo_random;
use tests::poll::wait_until;

const MIB: usize = 1 << 20;

/// As many as make a multiple of all the buffers that there are.
const SENDERS: usize = 200;

/// What each sends at once: more than needs no buffer.
const SENT: usize = 384 << 10;

/// What the slow and the quick may add to the resident memory of the ingress, at its peak.
const ALLOWED_RISE: u64 = 320 << 20;

/// Uploads a part, and then nothing more.
async fn stalls(client: &Client, number: u64) {
    let sent = futures::stream::iter([Ok::<_, std::io::Error>(pseudo_random(number, SENT))]);
    let body = Body::wrap_stream(sent.chain(futures::stream::pending()));
    let request = client.request(Method::POST, "/v1/documents?name=slow.bin");
    // It ends with the test, or with the patience of the service.
    let _ = client.try_send(request.body(body)).await;
}

async fn bytes_in_flight(app: &TestApp) -> usize {
    let text = reqwest::get(format!("{}/metrics", app.ingress().ops())).await;
    let text = text.unwrap().text().await.unwrap();
    let name = "dossier_upload_bytes_in_flight ";
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    line.unwrap_or_else(|| panic!("{name}: {text}"))
        .parse()
        .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_user_s_slow_senders_keep_nobody_else_from_uploading() {
    let app = TestApp::start(Mode::Distributed).await;
    let (alice, bob) = (app.user("alice").await, app.user("bob").await);
    let warm = bob.uploads("warm.bin", pseudo_random(1, MIB)).await;
    bob.settled(&warm).await;
    let (before, _) = app.ingress().resident_memory();
    let slow: Vec<_> = (0..SENDERS as u64)
        .map(|number| {
            let alice = alice.clone();
            tokio::spawn(async move { stalls(&alice, number).await })
        })
        .collect();
    // Each of them has sent what needs no buffer, and wants one.
    let have_sent = async || bytes_in_flight(&app).await >= SENDERS * (256 << 10);
    wait_until(
        Duration::from_secs(25),
        "all have sent that much",
        have_sent,
    )
    .await;
    let quick = (0..6).map(|number| {
        let bob = bob.clone();
        async move {
            let content = pseudo_random(1_000 + number, 6 * MIB);
            let pending = bob.uploads("quick.bin", content.clone()).await;
            (bob.settled(&pending).await, content)
        }
    });
    for (document, content) in join_all(quick).await {
        assert_eq!(document["status"], "active", "{document}");
        assert_eq!(document["size_bytes"], content.len());
    }
    assert!(
        slow.iter().any(|sender| !sender.is_finished()),
        "the slow ones were there all the time"
    );
    let (_, peak) = app.ingress().resident_memory();
    let rise = peak.saturating_sub(before);
    println!("{} MiB more at the peak", rise >> 20);
    assert!(
        rise < ALLOWED_RISE,
        "resident memory rose by {} MiB",
        rise >> 20
    );
    slow.iter().for_each(tokio::task::JoinHandle::abort);
    app.ends_clean().await;
}
