//! Resumable uploads on object stores without parts of their own that grow: in pieces of any size, by
//! several replicas, with requests that hang and processes that die. What they leave behind is
//! removed.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use domain::Timestamp;
use futures::{StreamExt, TryStreamExt, stream};
use reqwest::{Body, Method};
use storage::{Appending, Flush, Storage};
use tests::app::{Backend, Client, Mode, TestApp};
use tests::content::pseudo_random;
use tests::poll::{poll, wait_until};
use tests::servers::Dossier;
use tests::tus::{self, append, metadata, number, request};

const PATIENCE: Duration = Duration::from_mins(1);
const MIB: usize = 1 << 20;

/// Later than everything that is written here.
const LATE: Timestamp = Timestamp::from_micros(i64::MAX / 2);

/// A body that sends `bytes`, and then nothing more.
fn hanging(bytes: Bytes) -> Body {
    let sent = stream::iter([Ok::<_, std::io::Error>(bytes)]);
    Body::wrap_stream(sent.chain(stream::pending()))
}

/// Appends `piece` bytes, and returns the offset after them.
async fn add(client: &Client, path: &str, offset: usize, bytes: &Bytes, piece: usize) -> usize {
    let end = (offset + piece).min(bytes.len());
    let answer = tus::patch(client, path, offset, bytes.slice(offset..end)).await;
    answer.expecting(204);
    number(&answer, "upload-offset")
}

/// The objects that grow in a place.
async fn unfinished(place: &Arc<dyn Storage>) -> Vec<String> {
    let appending = place.appending().expect("objects grow there");
    let listed = appending.unfinished(LATE).await.expect("a listing");
    let urls = listed.map_ok(|entry| entry.url.to_string());
    urls.try_collect().await.expect("a whole listing")
}

async fn any_replica_goes_on(app: &TestApp, alice: &Client) {
    let other = Dossier::start("ingress", app.variables()).await;
    let there = alice.speaking_to(&other.api());
    let bytes = pseudo_random(40, 31 * MIB);
    let path = tus::create(alice, "noise.bin", bytes.len()).await;
    let mut offset = 0;
    for (client, piece) in [
        (alice, 1),
        (&there, 7 * MIB),
        (alice, 2 * MIB),
        (&there, 9 * MIB),
    ] {
        offset = add(client, &path, offset, &bytes, piece).await;
    }
    // It sends a whole part and more, and is cut off by the other one.
    let rest = bytes.slice(offset..offset + 9 * MIB);
    let hangs = append(alice, &path, offset, hanging(rest));
    let client = alice.clone();
    let hangs = tokio::spawn(async move { client.try_send(hangs).await });
    let recorded = poll(PATIENCE, async || {
        let upload = there.get(&path).await.expecting(200);
        match upload["offset"].as_u64() {
            Some(recorded) if recorded > offset as u64 => Ok(recorded),
            recorded => Err(format!("{recorded:?}")),
        }
    })
    .await;
    offset = tus::offset(&there, &path).await;
    assert!(offset as u64 >= recorded, "{offset} of {recorded}");
    let last = tus::patch(&there, &path, offset, bytes.slice(offset..)).await;
    let document = tus::document(&there, &last).await;
    assert!(alice.downloads(&document).await == bytes, "other bytes");
    let cut_off = tokio::time::timeout(PATIENCE, hangs).await;
    if let Ok(answer) = cut_off.expect("it ends").expect("no panic") {
        answer.expect_problem(409, "offset_mismatch");
    }
}

async fn a_killed_ingress_loses_nothing(app: &TestApp, alice: &Client) {
    let bytes = pseudo_random(41, 20 * MIB);
    let path = tus::create(alice, "noise.bin", bytes.len()).await;
    let mut offset = 0;
    for piece in [3 * MIB, 9 * MIB] {
        offset = add(alice, &path, offset, &bytes, piece).await;
        // In the middle of the next piece.
        let rest = bytes.slice(offset..offset + 100_000);
        let hangs = append(alice, &path, offset, hanging(rest));
        let client = alice.clone();
        let hangs = tokio::spawn(async move { client.try_send(hangs).await });
        let held = "SELECT count(*) FROM uploads WHERE held_parts > 0";
        wait_until(PATIENCE, "it is under way", async || {
            app.number(held).await == 1
        })
        .await;
        app.ingress().kill().await;
        let _ = hangs.await;
        app.ingress().restart().await;
        assert_eq!(tus::offset(alice, &path).await, offset, "what was told");
    }
    let last = tus::patch(alice, &path, offset, bytes.slice(offset..)).await;
    let document = tus::document(alice, &last).await;
    assert!(alice.downloads(&document).await == bytes, "other bytes");
}

async fn parts_are_joined(alice: &Client) {
    let bytes = pseudo_random(42, 8 * MIB);
    let mut names = Vec::new();
    for piece in [bytes.slice(..7 * MIB), bytes.slice(7 * MIB..)] {
        let create = request(alice, Method::POST, "/v1/uploads")
            .header("upload-concat", "partial")
            .header("upload-length", piece.len());
        let created = alice.send(create).await;
        created.expecting(201);
        names.push(created.header("location").to_owned());
        let written = tus::patch(alice, names.last().unwrap(), 0, piece).await;
        written.expecting(204);
    }
    let create = request(alice, Method::POST, "/v1/uploads")
        .header("upload-concat", format!("final;{}", names.join(" ")))
        .header("upload-metadata", metadata(&[("filename", "whole.bin")]));
    let whole = alice.send(create).await;
    let document = tus::document(alice, &whole).await;
    assert!(alice.downloads(&document).await == bytes, "other bytes");
}

async fn grows_on(backend: Backend) {
    let app = TestApp::builder(Mode::Distributed)
        .backend(backend)
        .start()
        .await;
    let alice = app.user("alice").await;
    Box::pin(any_replica_goes_on(&app, &alice)).await;
    Box::pin(a_killed_ingress_loses_nothing(&app, &alice)).await;
    parts_are_joined(&alice).await;

    // One that is ended leaves nothing, nor do documents that are deleted.
    let places = app.places().await;
    let path = tus::create(&alice, "noise.bin", 20 * MIB).await;
    let bytes = pseudo_random(43, 20 * MIB);
    add(&alice, &path, 0, &bytes, 13 * MIB).await;
    assert_eq!(unfinished(places.store()).await.len(), 1, "what grows");
    let ended = alice.send(request(&alice, Method::DELETE, &path)).await;
    ended.expecting(204);
    let listed = alice.get("/v1/documents").await.expecting(200);
    let items = listed["items"].as_array().unwrap();
    assert_eq!(items.len(), 3);
    for item in items {
        let path = format!("/v1/documents/{}", item["id"].as_str().unwrap());
        alice.delete(&path).await.expecting(204);
    }
    wait_until(PATIENCE, "bytes are removed", async || {
        let listed = places.store().list(None).await.unwrap();
        let listed: Vec<_> = listed.try_collect().await.unwrap();
        listed.is_empty() && unfinished(places.store()).await.is_empty()
    })
    .await;
    app.ends_clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn resumable_uploads_arrive_in_azure() {
    Box::pin(grows_on(Backend::Azure)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn resumable_uploads_arrive_in_gcs() {
    Box::pin(grows_on(Backend::Gcs)).await;
}

/// More parts than one request of Google composes.
#[tokio::test]
async fn an_object_of_very_many_parts_is_composed() {
    const PARTS: usize = 34;
    let environment = storage::Environment::only(Backend::Gcs.environment().await);
    let url: storage::StorageUrl = Backend::Gcs.fresh_storage_url().await.parse().unwrap();
    let storage = url.connect_in(&environment).await.unwrap();
    let places = storage::StorageRouter::new(Arc::clone(&storage), Arc::clone(&storage));
    let now = Timestamp::from_micros(1_700_000_000_000_000);
    let mut growing = places.grow(now).unwrap();
    let part = pseudo_random(44, 5 * MIB);
    let appending: &dyn Appending = storage.appending().unwrap();
    for fence in 1..=PARTS as u64 {
        let writer = appending.append(&growing, fence, storage::Writer::Service);
        let mut writer = writer.await.unwrap();
        writer.push(part.clone()).await.unwrap();
        growing = writer.flush(Flush::More, now).await.unwrap();
    }
    let finished = appending.finish(&growing, PARTS as u64 + 1, storage::Writer::Service);
    let url = finished.await.unwrap();
    let mut chunks = storage.open(&url, None).await.unwrap();
    let mut read = 0;
    while let Some(chunk) = chunks.try_next().await.unwrap() {
        // Compared in pieces: in one, the test would hold the whole twice.
        let (mut at, mut chunk) = (read % part.len(), chunk);
        read += chunk.len();
        while !chunk.is_empty() {
            let piece = chunk.split_to(chunk.len().min(part.len() - at));
            assert!(part[at..at + piece.len()] == piece, "at {read}");
            at = 0;
        }
    }
    assert_eq!(read, PARTS * part.len());
    assert!(unfinished(&storage).await.is_empty(), "parts are left");
    storage.delete(&url).await.unwrap();
}
