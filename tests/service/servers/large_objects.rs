//! Objects above 5 GiB, the most that one request of S3 may have: written, taken into another place,
//! and read, in parts. What the adapters hold meanwhile is bounded by their buffers. Not on Google: the
//! server that we can run takes very long for one.

use domain::{ByteSize, Hasher, Sha256};
use futures::{TryStreamExt, stream};
use storage::{Environment, SourceStream, StorageUrl, Writer};
use tests::app::Backend;
use tests::content::pseudo_random;
use tests::objects::old_key;
use tests::servers::memory_of;

const CHUNK: usize = 1 << 20;

/// 5.5 GiB and a byte.
const SIZE: u64 = (5 << 30) + (512 << 20) + 1;

/// Chunks of that size together, and their digest.
fn source() -> (SourceStream<'static>, Sha256) {
    let chunk = pseudo_random(9, CHUNK);
    let lengths = (0..SIZE)
        .step_by(CHUNK)
        .map(|start| (SIZE - start).min(CHUNK as u64));
    let chunks: Vec<_> = lengths
        .map(|length| chunk.slice(..usize::try_from(length).unwrap()))
        .collect();
    let mut hasher = Hasher::default();
    for chunk in &chunks {
        hasher.update(chunk);
    }
    (
        Box::pin(stream::iter(chunks.into_iter().map(Ok))),
        hasher.finish(),
    )
}

async fn takes_large_objects(backend: Backend) {
    let environment = Environment::only(backend.environment().await);
    let mut places = Vec::new();
    for _ in 0..2 {
        let url: StorageUrl = backend.fresh_storage_url().await.parse().unwrap();
        places.push(url.connect_in(&environment).await.unwrap());
    }
    let (source, sha256) = source();
    let key = old_key();
    let written = places[0].put(&key, source, Writer::Service).await.unwrap();
    let taken = places[1].take(&written, &key).await.unwrap();
    for (place, url) in [(&places[0], written), (&places[1], taken.unwrap())] {
        let stat = place.stat(&url).await.unwrap().unwrap();
        assert_eq!(stat.size, ByteSize::new(SIZE));
        let chunks = place.open(&url, None).await.unwrap();
        let hash = |mut hasher: Hasher, chunk: bytes::Bytes| {
            hasher.update(&chunk);
            std::future::ready(Ok(hasher))
        };
        let hasher = chunks.try_fold(Hasher::default(), hash).await.unwrap();
        assert_eq!(hasher.finish(), sha256, "{url}");
        place.delete(&url).await.unwrap();
    }
    // This process has the adapters in it.
    let (_, peak) = memory_of("self");
    assert!(peak < SIZE / 4, "{peak} bytes of memory");
}

#[tokio::test]
#[ignore = "writes 11 GiB: run it by ./test --long"]
async fn s3_takes_objects_above_five_gibibytes() {
    takes_large_objects(Backend::S3).await;
}

#[tokio::test]
#[ignore = "writes 11 GiB: run it by ./test --long"]
async fn azure_takes_objects_above_five_gibibytes() {
    takes_large_objects(Backend::Azure).await;
}
