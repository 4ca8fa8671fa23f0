//! Connections to each object store that are cut at any byte: what was written is there whole or
//! not at all, and a download that broke off continues.

use std::sync::Arc;

use bytes::Bytes;
use futures::{TryStreamExt, stream};
use storage::{Environment, Range, Storage, StorageUrl, Writer};
use tests::app::Backend;
use tests::content::pseudo_random;
use tests::objects::old_key;
use tests::servers::{Disturbance, Gate};

/// Larger than two parts.
const SIZE: usize = 20_000_000;

/// A place behind a gate.
async fn place(backend: Backend) -> (Gate, Arc<dyn Storage>) {
    let gate = Gate::before_http(backend.port().await).await;
    let address = |port| format!("127.0.0.1:{port}");
    let url = backend.fresh_storage_url().await;
    let url = url.replace(&address(backend.port().await), &address(gate.port()));
    let url: StorageUrl = url.parse().unwrap();
    let environment = Environment::only(backend.environment().await);
    let storage = url.connect_in(&environment).await.unwrap();
    (gate, storage)
}

async fn read(storage: &dyn Storage, url: &url::Url, range: Option<Range>) -> Vec<u8> {
    let chunks = storage.open(url, range).await.unwrap();
    let chunks: Vec<Bytes> = chunks.try_collect().await.unwrap();
    chunks.concat()
}

async fn continues_broken_downloads_of(backend: Backend) {
    let (gate, storage) = place(backend).await;
    let bytes = pseudo_random(5, SIZE);
    let url = tests::objects::puts(&*storage, &old_key(), bytes.clone()).await;
    let part = Range {
        start: 1_000,
        length: 15_000_000,
    };
    for chunks in [20, 45, 130] {
        gate.cut_after(chunks);
        assert!(read(&*storage, &url, None).await == bytes, "{chunks}");
        assert!(gate.has_cut(), "{chunks} chunks are less than the object");
        gate.cut_after(chunks);
        let expected = &bytes[1_000..15_001_000];
        assert!(read(&*storage, &url, Some(part)).await == expected);
    }
}

async fn writes_whole_or_not_at_all(backend: Backend) {
    let (gate, storage) = place(backend).await;
    let bytes = pseudo_random(6, SIZE);
    for chunks in [0, 1, 3, 40, 160, 300, 310] {
        let key = old_key();
        gate.cut_after(chunks);
        let source = stream::iter([Ok(bytes.clone())]);
        let written = storage.put(&key, Box::pin(source), Writer::Service).await;
        match written {
            Ok(url) => assert!(read(&*storage, &url, None).await == bytes, "{chunks}"),
            Err(error) => {
                // What isn't there whole isn't there.
                let url = storage.place().join(&key).unwrap();
                let stat = storage.stat(&url).await.unwrap();
                assert!(stat.is_none(), "{chunks}: {error}");
            }
        }
    }
    gate.disturb(Disturbance::Refusals);
    let url = tests::objects::puts(&*storage, &old_key(), bytes.clone()).await;
    assert!(read(&*storage, &url, None).await == bytes, "after refusals");
}

#[tokio::test]
async fn a_download_from_s3_continues_where_it_broke_off() {
    continues_broken_downloads_of(Backend::S3).await;
}

#[tokio::test]
async fn a_download_from_azure_continues_where_it_broke_off() {
    continues_broken_downloads_of(Backend::Azure).await;
}

#[tokio::test]
async fn a_download_from_gcs_continues_where_it_broke_off() {
    continues_broken_downloads_of(Backend::Gcs).await;
}

#[tokio::test]
async fn a_write_to_s3_is_whole_or_not_at_all() {
    writes_whole_or_not_at_all(Backend::S3).await;
}

#[tokio::test]
async fn a_write_to_azure_is_whole_or_not_at_all() {
    writes_whole_or_not_at_all(Backend::Azure).await;
}

#[tokio::test]
async fn a_write_to_gcs_is_whole_or_not_at_all() {
    writes_whole_or_not_at_all(Backend::Gcs).await;
}
