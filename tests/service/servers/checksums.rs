//! What protects bytes on their way to S3: each body is sent with its digest, which is signed, and with
//! the checksum of the protocol, unless that is left to requests that require it. A server that verifies
//! them refuses other bytes; SeaweedFS takes them, so what it does isn't demanded.

use std::sync::Arc;

use domain::Sha256;
use storage::{Environment, Storage, StorageUrl, WriteError, Writer};
use tests::content::pseudo_random;
use tests::objects::{old_key, puts};
use tests::servers::{Passing, Recorded, Recorder, S3};

use super::s3s;

/// Three parts.
const LARGE: usize = 20_000_000;

async fn connect(url: &str, credentials: &[(&str, &str)]) -> Arc<dyn Storage> {
    let url: StorageUrl = url.parse().unwrap();
    let environment = Environment::only(credentials.iter().copied());
    url.connect_in(&environment).await.unwrap()
}

/// Whether it has bytes of an object.
fn is_body(request: &Recorded) -> bool {
    request.method == "PUT" && request.header("content-length") != "0"
}

/// The options of a place, each with whether bodies have the checksum of the protocol.
const OPTIONS: [(&str, bool); 2] = [("", true), ("&checksums=required", false)];

/// Bodies are sent with their digests. `url` is of a place that `recorder` is in front of.
async fn tells_digests(recorder: &Recorder, url: &str, credentials: &[(&str, &str)]) {
    for (option, has_checksums) in OPTIONS {
        let storage = connect(&format!("{url}{option}"), credentials).await;
        for size in [10, LARGE] {
            let bytes = pseudo_random(1, size);
            let whole = Sha256::of(&bytes).to_string();
            puts(&*storage, &old_key(), bytes.clone()).await;
            let sent = recorder.takes();
            let sent: Vec<_> = sent.into_iter().filter(is_body).collect();
            assert_eq!(sent.len(), if size == LARGE { 3 } else { 1 }, "{sent:?}");
            for request in &sent {
                let checksum = request.header("x-amz-checksum-crc32");
                assert_eq!(!checksum.is_empty(), has_checksums, "{request:?}");
                let digest = request.header("x-amz-content-sha256");
                assert_eq!(digest == whole, sent.len() == 1, "{request:?}");
                assert!(digest.parse::<Sha256>().is_ok(), "{request:?}");
            }
        }
    }
}

/// Bytes that change on their way are refused, and nothing is kept of them.
async fn refuses_others(recorder: &Recorder, url: &str, credentials: &[(&str, &str)]) {
    for (option, _) in OPTIONS {
        let storage = connect(&format!("{url}{option}"), credentials).await;
        for size in [10, LARGE] {
            // The last part, or the whole.
            recorder.passes(move |request| {
                let is_last = size != LARGE || request.path.contains("partNumber=3");
                if is_body(request) && is_last {
                    Passing::Corrupted
                } else {
                    Passing::On
                }
            });
            let key = old_key();
            let bytes = pseudo_random(1, size);
            let source = Box::pin(futures::stream::iter([Ok(bytes)]));
            let refused = storage.put(&key, source, Writer::Service).await;
            assert!(
                matches!(refused, Err(WriteError::Storage(_))),
                "{refused:?}"
            );
            let object = storage.place().join(&key).unwrap();
            assert_eq!(storage.stat(&object).await.unwrap(), None);
            recorder.passes(|_| Passing::On);
        }
    }
}

#[tokio::test]
async fn bytes_on_their_way_to_s3_are_told_by_digests() {
    let s3 = S3::shared().await;
    let recorder = Recorder::before(s3.port()).await;
    let url = recorder.in_front(&s3.fresh_storage_url().await, s3.port());
    let credentials = s3.environment();
    let credentials: Vec<_> = credentials
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    tells_digests(&recorder, &url, &credentials).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bytes_that_change_on_their_way_are_refused() {
    let server = s3s::Server::start().await;
    let recorder = Recorder::before(server.port).await;
    let url = recorder.in_front(&server.storage_url("one"), server.port);
    tells_digests(&recorder, &url, &s3s::CREDENTIALS).await;
    refuses_others(&recorder, &url, &s3s::CREDENTIALS).await;
}
