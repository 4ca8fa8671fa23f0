//! Uploads straight to the storage while something is broken: each of them becomes one document with
//! its bytes, however often its client has to ask.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures::future::join_all;
use queue::JobKind;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use tests::app::{Answer, Backend, Client};
use tests::content::pseudo_random;
use tests::dice::Dice;
use tests::direct;
use tokio::time::{sleep, timeout};

use super::faults::Fault;
use super::resumable::Arrivals;

/// No answer for so long is none.
const PATIENCE: Duration = Duration::from_secs(40);

/// The rest after a request that wasn't answered well.
const REST: Duration = Duration::from_millis(100);

/// How often one client asks for the same before it gives up.
const TRIES: usize = 1_000;

/// Whether a service that can suffer the fault signs URLs: files can't, and the server for Google's
/// interface is used without credentials.
pub const fn suits(fault: Fault) -> bool {
    !matches!(
        fault,
        Fault::AllKilled
            | Fault::AllStopped
            | Fault::StagingFull
            | Fault::StoreFull
            | Fault::DatabaseFull
            | Fault::StorageRefuses(Backend::Gcs)
            | Fault::StorageResets(Backend::Gcs)
            | Fault::StorageAway(Backend::Gcs)
    )
}

/// Uploads as `uploads` clients while `fault` strikes.
pub async fn arrive(fault: Fault, uploads: usize, seed: u64) -> Arrivals {
    let app = Box::pin(fault.app()).await;
    let alice = app.user("alice").await;
    let failed = AtomicUsize::new(0);
    let sent: Vec<_> = (0..uploads)
        .map(|number| pseudo_random(seed + number as u64, 300_000 + 10_000 * number))
        .collect();
    let clients = sent.iter().enumerate();
    let clients = clients.map(|(number, bytes)| upload(&alice, number, bytes, &failed));
    let mut dice = Dice::new(seed);
    let strike = Box::pin(fault.strike(&app, &mut dice));
    let (ended, ()) = tokio::join!(join_all(clients), strike);
    for (document, bytes) in ended.iter().zip(&sent) {
        let document = alice.settled(document).await;
        assert_eq!(document["status"], "active", "{document}");
        assert!(alice.downloads(&document).await == bytes, "other bytes");
    }
    let page = alice.get("/v1/usage").await.expecting(200);
    assert_eq!(page["documents"]["total"], uploads);
    assert_eq!(page["bytes"]["reserved"], 0);
    app.tampers("UPDATE discards SET at = 0").await;
    app.works_off(JobKind::RemoveDiscarded).await;
    // A worker that died, or lost its claim, may leave a copy without a row.
    app.ends_whole(uploads).await;
    Arrivals {
        arrived: ended.len(),
        failed: failed.into_inner(),
    }
}

/// Begins, sends and completes, each until it is answered well; gives the document.
async fn upload(client: &Client, number: usize, bytes: &Bytes, failed: &AtomicUsize) -> Value {
    let wanted = json!({"name": format!("{number}.bin"), "size_bytes": bytes.len()});
    let begin = || {
        let request = client.request(Method::POST, "/v1/direct-uploads");
        // An answer that is lost must not leave an upload behind.
        request
            .header("idempotency-key", format!("begin {number}"))
            .json(&wanted)
    };
    let upload = until(201, client, begin, failed).await.json();
    let write = || direct::writing(direct::url(&upload), &upload["headers"], bytes.clone());
    for tried in 0.. {
        let sent = timeout(PATIENCE, write().send()).await;
        if sent.is_ok_and(|sent| sent.is_ok_and(|sent| sent.status().is_success())) {
            break;
        }
        assert!(tried < TRIES, "the storage takes nothing");
        failed.fetch_add(1, Ordering::SeqCst);
        sleep(REST).await;
    }
    let path = format!("{}/complete", direct::path(&upload));
    let complete = || client.request(Method::POST, &path).json(&json!({}));
    until(202, client, complete, failed).await.json()
}

/// Sends until the answer has this status.
async fn until(
    status: u16,
    client: &Client,
    request: impl Fn() -> RequestBuilder,
    failed: &AtomicUsize,
) -> Answer {
    for _ in 0..TRIES {
        let answer = timeout(PATIENCE, client.try_send(request())).await;
        match answer {
            Ok(Ok(answer)) if answer.status == status => return answer,
            // The request before may be under way, or have died with its process.
            Ok(Ok(answer)) if !matches!(answer.status.as_u16(), 409 | 503) => {
                answer.expecting(status);
            }
            _ => {}
        }
        failed.fetch_add(1, Ordering::SeqCst);
        sleep(REST).await;
    }
    panic!("the service never answers {status}");
}

async fn all_arrive(fault: Fault) {
    let arrivals = Box::pin(arrive(fault, 12, 1)).await;
    println!("{}: {arrivals:?}", fault.name());
    assert_eq!(arrivals.arrived, 12);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn direct_uploads_survive_killed_workers() {
    all_arrive(Fault::WorkersKilled).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn direct_uploads_survive_azure_that_resets_a_third() {
    all_arrive(Fault::StorageResets(Backend::Azure)).await;
}
