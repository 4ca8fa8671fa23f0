//! The whole service on each object store: what is uploaded becomes active, is read whole and in
//! part, and is gone when it is deleted.

use std::time::Duration;

use futures::TryStreamExt;
use reqwest::Method;
use tests::app::{Backend, Mode, TestApp};
use tests::content::pseudo_random;
use tests::objects::location;
use tests::poll::wait_until;

/// Larger than two parts.
const SIZE: usize = 20_000_000;

async fn serves_documents_of(backend: Backend) {
    let app = TestApp::builder(Mode::Distributed)
        .backend(backend)
        .start()
        .await;
    let alice = app.user("alice").await;
    let bytes = pseudo_random(3, SIZE);
    let large = alice.active("large.bin", bytes.clone()).await;
    let small = alice.active("small.txt", "a few words").await;
    assert!(
        location(&app, &large)
            .await
            .as_str()
            .contains("/documents/")
    );
    assert_eq!(alice.downloads(&small).await, "a few words");
    assert!(alice.downloads(&large).await == bytes, "reads differently");

    let path = format!("/v1/documents/{}/content", large["id"].as_str().unwrap());
    for (range, expected) in [
        ("bytes=0-0", &bytes[..1]),
        ("bytes=8388600-8388620", &bytes[8_388_600..8_388_621]),
        ("bytes=-7", &bytes[SIZE - 7..]),
    ] {
        let request = alice.request(Method::GET, &path).header("range", range);
        let answer = alice.send(request).await;
        assert_eq!(answer.status, 206, "{range}");
        assert!(answer.body == expected, "{range}");
    }
    for document in [&large, &small] {
        let path = format!("/v1/documents/{}", document["id"].as_str().unwrap());
        alice.delete(&path).await.expecting(204);
    }
    let places = app.places().await;
    wait_until(Duration::from_mins(1), "bytes are removed", async || {
        let listed = places.store().list(None).await.unwrap();
        listed.try_collect::<Vec<_>>().await.unwrap().is_empty()
    })
    .await;
    app.ends_clean().await;
}

#[tokio::test]
async fn documents_are_served_from_s3() {
    Box::pin(serves_documents_of(Backend::S3)).await;
}

#[tokio::test]
async fn documents_are_served_from_azure() {
    Box::pin(serves_documents_of(Backend::Azure)).await;
}

#[tokio::test]
async fn documents_are_served_from_gcs() {
    Box::pin(serves_documents_of(Backend::Gcs)).await;
}
