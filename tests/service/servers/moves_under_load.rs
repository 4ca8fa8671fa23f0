//! Moves through every kind of storage and back, while clients read, upload, delete and archive, and
//! workers are killed: no read fails and nothing is lost.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use futures::future::join_all;
use serde_json::{Value, json};
use tempfile::TempDir;
use tests::app::{Backend, Client, Mode, TestApp};
use tests::poll::poll;
use tokio::time::Instant;

/// Clients that read.
const READERS: usize = 4;

fn content(number: usize) -> String {
    format!("content {number} ").repeat(1 + number % 300)
}

async fn uploads(client: &Client, numbers: std::ops::Range<usize>) -> Vec<Value> {
    let mut all = Vec::new();
    let numbers: Vec<_> = numbers.collect();
    for some in numbers.chunks(16) {
        let some = some.iter().map(|number| async move {
            client.active(&number.to_string(), content(*number)).await
        });
        all.extend(join_all(some).await);
    }
    all
}

fn number(document: &Value) -> usize {
    document["name"].as_str().unwrap().parse().unwrap()
}

/// Reads documents until told to stop, and counts the reads.
async fn reads(client: &Client, documents: &[Value], ended: &AtomicBool, count: &AtomicU64) {
    let mut next = 0;
    while !ended.load(Ordering::Relaxed) {
        let document = &documents[next % documents.len()];
        next += 7;
        let path = format!("/v1/documents/{}/content", document["id"].as_str().unwrap());
        let answer = client.get(&path).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert!(answer.body == content(number(document)));
        count.fetch_add(1, Ordering::Relaxed);
    }
}

/// Uploads, archives and deletes documents until told to stop.
async fn changes(client: &Client, begin: usize, ended: &AtomicBool) -> Vec<Value> {
    let mut kept = Vec::new();
    let mut next = begin;
    while !ended.load(Ordering::Relaxed) {
        let document = client.active(&next.to_string(), content(next)).await;
        let path = format!("/v1/documents/{}", document["id"].as_str().unwrap());
        match next % 3 {
            0 => drop(client.delete(&path).await.expecting(204)),
            1 => {
                let archive = client
                    .post_json(&format!("{path}/archive"), &json!({}))
                    .await;
                archive.expect_status(200).await;
            }
            _ => kept.push(document),
        }
        next += 1;
    }
    kept
}

async fn moves(app: &TestApp, from: &str, to: &str) -> Value {
    let admin = app.admin();
    let body = json!({"from": from, "to": to});
    let moving = admin.post_json("/v1/admin/storage/moves", &body).await;
    let moving = moving.expect_status(202).await;
    let path = format!("/v1/admin/storage/moves/{}", moving["id"].as_str().unwrap());
    let worker = app.workers()[0];
    worker.kill().await;
    worker.restart().await;
    poll(Duration::from_mins(5), async || {
        let now = admin.get(&path).await.expecting(200);
        if now["status"] == "running" {
            return Err(now.to_string());
        }
        Ok(now)
    })
    .await
}

async fn moves_through_every_place(count: usize) {
    let folder = TempDir::new().unwrap();
    let files = format!("file://{}/", folder.path().join("files").display());
    let mut more = vec![files.clone()];
    let mut settings = vec![];
    for backend in [Backend::Azure, Backend::Gcs] {
        more.push(backend.fresh_storage_url().await);
        settings.extend(backend.environment().await);
    }
    settings.push(("DOSSIER_MORE_STORAGE_URLS".to_owned(), more.join(" ")));
    settings.push(("DOSSIER_KEEP_MOVED_FOR".to_owned(), "5s".to_owned()));
    settings.push(("DOSSIER_LEASE".to_owned(), "2s".to_owned()));
    let settings: Vec<_> = settings
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let app = TestApp::builder(Mode::Distributed)
        .settings(&settings)
        .start()
        .await;
    let alice = app.user("alice").await;
    let mut documents = uploads(&alice, 0..count).await;

    let place = |url: &str| {
        url.split('?')
            .next()
            .unwrap()
            .trim_end_matches('/')
            .to_owned()
            + "/"
    };
    let store = place(app.places().await.store().place().as_str());
    let mut route = vec![store.clone()];
    route.extend(more.iter().map(|url| place(url)));
    route.push(store);
    let (ended, read) = (AtomicBool::new(false), AtomicU64::new(0));
    let begun = Instant::now();
    let moving = async {
        let mut moved = Vec::new();
        for (from, to) in route.iter().zip(&route[1..]) {
            moved.push(moves(&app, from, to).await);
        }
        ended.store(true, Ordering::Relaxed);
        moved
    };
    let reading = join_all((0..READERS).map(|_| reads(&alice, &documents, &ended, &read)));
    let changing = changes(&alice, 1_000_000, &ended);
    let (moved, _, kept) = tokio::join!(moving, reading, changing);
    for one in &moved {
        assert_eq!(
            (&one["status"], &one["failed"]),
            (&"completed".into(), &0.into()),
            "{one}"
        );
        assert!(one["moved"].as_u64().unwrap() >= count as u64, "{one}");
    }
    let read = read.load(Ordering::Relaxed);
    println!(
        "{count} objects through 4 places in {:?}, {read} reads meanwhile",
        begun.elapsed()
    );
    documents.extend(kept);
    for document in &documents {
        assert!(alice.downloads(document).await == content(number(document)));
    }
    let audit = app.command(&["audit", "--deep", "--rate", "1GiB"]).await;
    assert_eq!(audit.code, 0, "{}", audit.printed);
    app.ends_clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn documents_move_through_every_kind_of_storage_while_they_are_used() {
    Box::pin(moves_through_every_place(120)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "moves ten thousand objects"]
async fn ten_thousand_documents_move_through_every_kind_of_storage() {
    Box::pin(moves_through_every_place(10_000)).await;
}
