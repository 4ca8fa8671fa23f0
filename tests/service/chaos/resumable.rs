//! Resumable uploads while something is broken: their clients go on at the offset that they are told
//! until all has arrived, and every upload becomes one document with its bytes.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures::future::join_all;
use reqwest::RequestBuilder;
use tests::app::{Answer, Backend, Client};
use tests::content::pseudo_random;
use tests::dice::Dice;
use tests::tus;
use tokio::time::{sleep, timeout};

use super::faults::Fault;

/// No answer for so long is none.
const PATIENCE: Duration = Duration::from_secs(40);

/// The rest after a request that wasn't answered well.
const REST: Duration = Duration::from_millis(100);

/// How often one client tries before it gives up.
const TRIES: usize = 3_000;

/// The bytes of one request: no multiple of a part.
const PIECE: usize = 700_000;

/// What came of the uploads of a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrivals {
    /// Uploads that became a document with their bytes.
    pub arrived: usize,
    /// Requests that weren't answered, or with 503.
    pub failed: usize,
}

/// Uploads as `uploads` clients while `fault` strikes.
pub async fn arrive(fault: Fault, uploads: usize, seed: u64) -> Arrivals {
    let app = Box::pin(fault.app()).await;
    let alice = app.user("alice").await;
    let failed = AtomicUsize::new(0);
    let sent: Vec<_> = (0..uploads)
        .map(|number| pseudo_random(seed + number as u64, (3 << 20) + 1_000 * number))
        .collect();
    let clients = sent.iter().enumerate();
    let clients = clients.map(|(number, bytes)| upload(&alice, number, bytes, &failed));
    let mut dice = Dice::new(seed);
    let strike = Box::pin(fault.strike(&app, &mut dice));
    let (ended, ()) = tokio::join!(join_all(clients), strike);
    for (last, bytes) in ended.iter().zip(&sent) {
        let document = tus::document(&alice, last).await;
        assert_eq!(document["status"], "active", "{document}");
        assert!(alice.downloads(&document).await == bytes, "other bytes");
    }
    let failed = failed.into_inner();
    // A request that failed may have left a tail that its row doesn't know.
    app.ends_whole(failed).await;
    Arrivals {
        arrived: ended.len(),
        failed,
    }
}

/// Uploads in pieces until the last one is answered; gives that answer.
async fn upload(client: &Client, number: usize, bytes: &Bytes, failed: &AtomicUsize) -> Answer {
    let name = format!("{number}.bin");
    let create = || tus::creation(client, &name, bytes.len());
    let created = until_answered(client, create, failed).await;
    created.expecting(201);
    let path = created.header("location").to_owned();
    let mut offset = 0;
    for _ in 0..TRIES {
        let end = (offset + PIECE).min(bytes.len());
        let request = tus::append(client, &path, offset, bytes.slice(offset..end));
        let answer = match answered(client, request).await {
            Some(answer) if answer.status == 204 => answer,
            other => {
                if let Some(answer) = other.filter(|answer| answer.status != 409) {
                    answer.expecting(503);
                }
                failed.fetch_add(1, Ordering::SeqCst);
                let ask = || tus::request(client, reqwest::Method::HEAD, &path);
                let answer = until_answered(client, ask, failed).await;
                assert_eq!(answer.status, 200, "an upload is lost");
                answer
            }
        };
        offset = tus::number(&answer, "upload-offset");
        if !answer.header("dossier-document").is_empty() {
            return answer;
        }
    }
    panic!("{path} never arrives");
}

/// Sends until the service answers.
async fn until_answered(
    client: &Client,
    request: impl Fn() -> RequestBuilder,
    failed: &AtomicUsize,
) -> Answer {
    for _ in 0..TRIES {
        match answered(client, request()).await {
            Some(answer) if answer.status != 503 => return answer,
            _ => {
                failed.fetch_add(1, Ordering::SeqCst);
                sleep(REST).await;
            }
        }
    }
    panic!("the service never answers");
}

async fn answered(client: &Client, request: RequestBuilder) -> Option<Answer> {
    timeout(PATIENCE, client.try_send(request)).await.ok()?.ok()
}

async fn all_arrive(fault: Fault) {
    let arrivals = Box::pin(arrive(fault, 6, 1)).await;
    println!("{}: {arrivals:?}", fault.name());
    assert_eq!(arrivals.arrived, 6);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn uploads_survive_a_killed_ingress() {
    all_arrive(Fault::IngressKilled).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn uploads_survive_a_killed_embedded_service() {
    all_arrive(Fault::AllKilled).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn uploads_survive_cut_connections_to_the_database() {
    all_arrive(Fault::DatabaseCut).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn uploads_survive_a_storage_that_refuses_a_third() {
    all_arrive(Fault::StorageRefuses(Backend::S3)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn uploads_survive_a_storage_that_resets_a_third() {
    all_arrive(Fault::StorageResets(Backend::S3)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn uploads_survive_an_azure_that_refuses_a_third() {
    all_arrive(Fault::StorageRefuses(Backend::Azure)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn uploads_survive_an_azure_that_resets_a_third() {
    all_arrive(Fault::StorageResets(Backend::Azure)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn uploads_survive_a_gcs_that_refuses_a_third() {
    all_arrive(Fault::StorageRefuses(Backend::Gcs)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn uploads_survive_a_gcs_that_resets_a_third() {
    all_arrive(Fault::StorageResets(Backend::Gcs)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn uploads_survive_a_full_staging() {
    all_arrive(Fault::StagingFull).await;
}
