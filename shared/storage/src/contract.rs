//! The contract test that every adapter must pass, called with two empty places of one kind.
#![expect(
    clippy::panic,
    reason = "a promise that isn't kept ends the test that calls this"
)]

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use url::Url;

use super::contract_growing::objects_grow;
use super::{Mark, Marking, Range, SourceStream, Storage, StorageError, WriteError, Writer};
use domain::{ByteSize, InstallationId, Timestamp};

/// The part size of the adapters that write in parts.
const PART: usize = 8 << 20;

/// Later than everything that the suite writes.
const LATE: Timestamp = Timestamp::from_micros(i64::MAX / 2);

/// Earlier than everything that the suite writes.
const EARLY: Timestamp = Timestamp::from_micros(0);

/// What a service lists of what was begun and not finished.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfinished {
    /// Open writes, and objects that grow.
    Listed,
    /// Objects that grow; the service ends abandoned writes by itself.
    GrowingListed,
    /// Nothing, and objects don't grow there.
    Hidden,
}

/// Checks `storage`, an empty place, and how it takes objects from `other`, a second empty place of
/// the same kind and service. Both are empty again at the end, except for a mark in the first.
///
/// # Panics
///
/// At the first violation of the contract.
pub async fn check_contract(
    storage: Arc<dyn Storage>,
    other: Arc<dyn Storage>,
    unfinished: Unfinished,
) {
    let (storage, other) = (&*storage, &*other);
    storage.check().await.expect("a place that works says so");
    what_is_written_is_read(storage).await;
    parts_are_read(storage).await;
    what_is_not_there_is_missing(storage, other).await;
    a_broken_write_leaves_nothing(storage).await;
    listing_is_in_order(storage).await;
    taking_moves_between_places(storage, other).await;
    sweeping_spares_objects(storage, unfinished).await;
    if unfinished != Unfinished::Hidden {
        objects_grow(storage).await;
    }
    assert_eq!(keys(storage, None).await, [""; 0], "what has grown");
    a_place_has_one_mark(storage).await;
}

async fn what_is_written_is_read(storage: &dyn Storage) {
    for (number, size) in (0..).zip([0, 1, PART, PART + 1, 20 << 20]) {
        let bytes = noise(size);
        let key = key(number, 1);
        // Chunks of several sizes, none of which divides a part.
        let url = put(
            storage,
            &key,
            &bytes,
            10_007 + 99_991 * usize::from(number % 2),
        )
        .await;
        assert_eq!(url.as_str(), format!("{}{key}", storage.place()), "its URL");
        assert_eq!(size_of(storage, &url).await, Some(size), "its size");
        let read = read(storage, &url, None).await;
        assert!(read == bytes, "an object of {size} bytes reads differently");
        storage.delete(&url).await.expect("an object is deleted");
        assert_eq!(
            size_of(storage, &url).await,
            None,
            "a deleted object's size"
        );
        storage
            .delete(&url)
            .await
            .expect("an object is deleted twice");
    }
    let first = put(storage, &key(0xaa, 1), b"one", 100).await;
    let again = put(storage, &key(0xaa, 1), b"another", 100).await;
    assert_eq!(first, again, "a second write has the same URL");
    assert_eq!(
        read(storage, &again, None).await,
        b"another",
        "the later write is read"
    );
    storage.delete(&again).await.expect("an object is deleted");
}

async fn parts_are_read(storage: &dyn Storage) {
    let size = (1 << 20) + 1;
    let bytes = noise(size);
    let url = put(storage, &key(0xab, 1), &bytes, 65_536).await;
    let edge = 256 << 10;
    for (start, length) in [
        (0, 0),
        (0, 1),
        (0, size),
        (edge - 1, 2),
        (edge, edge),
        (5, size - 5),
        (size - 1, 1),
        (size - 1, 0),
        (size, 0),
    ] {
        let range = Range {
            start: start as u64,
            length: length as u64,
        };
        let part = read(storage, &url, Some(range)).await;
        assert!(
            part == bytes[start..start + length],
            "{range:?} reads differently"
        );
    }
    storage.delete(&url).await.expect("an object is deleted");
}

async fn what_is_not_there_is_missing(storage: &dyn Storage, other: &dyn Storage) {
    let here = key(0xac, 1);
    let present = put(storage, &here, b"?", 1).await;
    for missing in [key(0xac, 2), key(0xad, 1)] {
        let url = storage.place().join(&missing).expect("a URL");
        assert_eq!(size_of(storage, &url).await, None, "the size of {missing}");
        storage
            .delete(&url)
            .await
            .expect("what isn't there is deleted");
        for range in [
            None,
            Some(Range {
                start: 0,
                length: 0,
            }),
        ] {
            let opened = storage.open(&url, range).await.map(drop);
            let expected =
                matches!(opened, Err(StorageError::NotFound { url: ref named }) if *named == url);
            assert!(expected, "{missing} opens with {opened:?}");
        }
    }
    let outside = [
        other.place().join(&here).expect("a URL"),
        storage.place().join(&format!("../{here}")).expect("a URL"),
        storage.place().clone(),
        format!("{}ac/..%2f{here}", storage.place())
            .parse()
            .expect("a URL"),
        // Names other than our keys belong to others.
        storage.place().join("taxes-2023").expect("a URL"),
        storage.place().join("ac/report").expect("a URL"),
        storage
            .place()
            .join(".dossier/installation")
            .expect("a URL"),
        storage
            .place()
            .join(&format!("{here}/below"))
            .expect("a URL"),
    ];
    for url in outside {
        let error = storage.stat(&url).await.expect_err("a stranger's URL");
        assert!(
            matches!(error, StorageError::UnknownPlace { .. }),
            "{url}: {error}"
        );
        storage
            .open(&url, None)
            .await
            .map(drop)
            .expect_err("a stranger's URL");
        storage.delete(&url).await.expect_err("a stranger's URL");
    }
    for name in ["taxes-2023", "ac/report", ".dossier/installation"] {
        let refused = storage.put(name, chunks(b"?", 1), Writer::Service).await;
        assert!(refused.is_err(), "{name} is no key");
    }
    assert_eq!(
        size_of(storage, &present).await,
        Some(1),
        "what others' URLs left"
    );
    storage
        .delete(&present)
        .await
        .expect("an object is deleted");
}

async fn a_broken_write_leaves_nothing(storage: &dyn Storage) {
    for size in [0, 100, PART + 1, 3 * PART] {
        let key = key(0xae, size as u64);
        let url = storage.place().join(&key).expect("a URL");
        let begun = chunks(&noise(size), 65_536);
        let broken = begun.chain(stream::iter([Err("the line went dead".into())]));
        match storage.put(&key, Box::pin(broken), Writer::Service).await {
            Err(WriteError::Source(error)) if error.to_string() == "the line went dead" => {}
            outcome => panic!("a source that broke after {size} bytes gave {outcome:?}"),
        }
        assert_eq!(
            size_of(storage, &url).await,
            None,
            "what broke after {size} bytes"
        );

        let begun = chunks(&noise(size), 65_536);
        let mut put = storage.put(
            &key,
            Box::pin(begun.chain(stream::pending())),
            Writer::Service,
        );
        let patience = if size > PART { 2_000 } else { 200 };
        let ended = tokio::time::timeout(Duration::from_millis(patience), &mut put).await;
        assert!(ended.is_err(), "a write ended before its source");
        drop(put);
        assert_eq!(
            size_of(storage, &url).await,
            None,
            "what was dropped after {size} bytes"
        );
    }
    assert_eq!(
        keys(storage, None).await,
        [""; 0],
        "what broken writes left"
    );
}

async fn listing_is_in_order(storage: &dyn Storage) {
    let sorted = [
        key(0x00, 1),
        key(0x00, 2),
        key(0x01, 1),
        key(0x0a, 1),
        key(0x0a, 2),
        key(0x0f, 1),
        key(0xff, 0),
    ];
    for index in [6, 4, 5, 1, 2, 3, 0] {
        put(storage, &sorted[index], sorted[index].as_bytes(), 100).await;
    }
    assert_eq!(keys(storage, None).await, sorted, "all keys");
    let before = ["0", "01/0", "0a/b", "e", "zz"].map(str::to_owned);
    for after in before.into_iter().chain(sorted.clone()) {
        let url = storage.place().join(&after).expect("a URL");
        let behind: Vec<_> = sorted.iter().filter(|key| **key > after).cloned().collect();
        assert_eq!(
            keys(storage, Some(&url)).await,
            behind,
            "the keys behind {after}"
        );
    }
    let entries: Vec<_> = list(storage, None).await;
    for (url, size) in entries {
        let key = url
            .as_str()
            .strip_prefix(storage.place().as_str())
            .unwrap_or_default();
        assert_eq!(size, key.len(), "the listed size of {key}");
        storage.delete(&url).await.expect("an object is deleted");
    }
    // More than one page of a service.
    let many: Vec<String> = (0..1_200)
        .map(|number| key(u8::try_from(number % 3).unwrap_or(0), number))
        .collect();
    stream::iter(&many)
        .for_each_concurrent(16, async |key| drop(put(storage, key, b".", 1).await))
        .await;
    let mut sorted = many;
    sorted.sort_unstable();
    assert_eq!(keys(storage, None).await, sorted, "many keys");
    stream::iter(list(storage, None).await)
        .for_each_concurrent(16, async |(url, _)| {
            storage.delete(&url).await.expect("an object is deleted");
        })
        .await;
    assert_eq!(keys(storage, None).await, [""; 0], "an emptied place");
}

async fn taking_moves_between_places(storage: &dyn Storage, other: &dyn Storage) {
    for size in [0, 1, 3 * PART + 1] {
        let key = key(0xaf, size as u64);
        let bytes = noise(size);
        let staged = put(other, &key, &bytes, 65_536).await;
        for time in ["once", "again"] {
            let taken = storage.take(&staged, &key).await;
            let url = taken
                .expect("staged bytes are taken")
                .expect("places of one service");
            assert_eq!(url.as_str(), format!("{}{key}", storage.place()), "its URL");
            assert!(
                read(storage, &url, None).await == bytes,
                "taken {time}, it reads differently"
            );
        }
        other
            .delete(&staged)
            .await
            .expect("what was taken is deleted where it came from");
        let url = storage
            .take(&staged, &key)
            .await
            .expect("a third time")
            .expect("as before");
        assert!(
            read(storage, &url, None).await == bytes,
            "taken three times, it reads differently"
        );
        storage.delete(&url).await.expect("an object is deleted");
        match storage.take(&staged, &key).await {
            Ok(None) | Err(StorageError::NotFound { .. }) => {}
            outcome => panic!("nothing was taken: {outcome:?}"),
        }
        assert_eq!(
            size_of(storage, &url).await,
            None,
            "what was taken from nothing"
        );
    }
    let key = key(0xa0, 1);
    let foreign = format!("gopher://place/{key}").parse().expect("a URL");
    let taken = storage
        .take(&foreign, &key)
        .await
        .expect("another kind of storage");
    assert_eq!(taken, None, "what another kind of storage has");
    assert_eq!(keys(storage, None).await, [""; 0], "what taking left");
    assert_eq!(keys(other, None).await, [""; 0], "what taking left behind");
}

async fn sweeping_spares_objects(storage: &dyn Storage, unfinished: Unfinished) {
    let url = put(storage, &key(0xba, 1), b"kept", 100).await;
    let open = key(0xba, 2);
    let begun = chunks(&noise(2 * PART), 65_536);
    let mut put = storage.put(
        &open,
        Box::pin(begun.chain(stream::pending())),
        Writer::Service,
    );
    let ended = tokio::time::timeout(Duration::from_secs(2), &mut put).await;
    assert!(ended.is_err(), "a write ended before its source");
    assert_eq!(
        storage.sweep(EARLY).await.expect("a sweep"),
        0,
        "nothing is so old"
    );
    let swept = storage.sweep(LATE).await.expect("a sweep");
    let is_listed = unfinished == Unfinished::Listed;
    assert!(swept >= u64::from(is_listed), "the open write was found");
    drop(put);
    assert_eq!(
        keys(storage, None).await,
        [key(0xba, 1)],
        "what sweeping spared"
    );
    storage.delete(&url).await.expect("an object is deleted");
}

async fn a_place_has_one_mark(storage: &dyn Storage) {
    let mark = async || storage.mark().await.expect("a mark can be read");
    assert_eq!(mark().await, None, "the mark of a new place");
    let now = Timestamp::from_micros(1_700_000_000_000_000);
    let (one, other) = (InstallationId::new(now), InstallationId::new(now));
    for (installation, marking, expected) in [
        (one, Marking::First, one),
        (other, Marking::First, one),
        (other, Marking::Over, other),
    ] {
        let marked = storage.set_mark(installation, marking).await;
        marked.expect("a mark can be written");
        assert_eq!(mark().await, Some(Mark::Of(expected)), "whose the place is");
    }
    storage.sweep(LATE).await.expect("a sweep");
    assert_eq!(mark().await, Some(Mark::Of(other)), "what sweeping spared");
    assert_eq!(keys(storage, None).await, [""; 0], "a mark is no object");
}

/// Returns a key in `folder`, created `number` milliseconds after 1970.
fn key(folder: u8, number: u64) -> String {
    format!(
        "{folder:02x}/{:08x}-{:04x}-7000-8000-0000000000{folder:02x}",
        number >> 16,
        number & 0xffff
    )
}

fn chunks(bytes: &[u8], size: usize) -> SourceStream<'static> {
    let bytes = Bytes::copy_from_slice(bytes);
    let starts = (0..bytes.len()).step_by(size);
    let chunks: Vec<_> = starts
        .map(|start| Ok(bytes.slice(start..(start + size).min(bytes.len()))))
        .collect();
    Box::pin(stream::iter(chunks))
}

async fn put(storage: &dyn Storage, key: &str, bytes: &[u8], chunk: usize) -> Url {
    let put = storage
        .put(key, chunks(bytes, chunk), Writer::Service)
        .await;
    put.unwrap_or_else(|error| panic!("writing {key}: {error:?}"))
}

async fn read(storage: &dyn Storage, url: &Url, range: Option<Range>) -> Vec<u8> {
    let opened = storage.open(url, range).await;
    let stream = opened.unwrap_or_else(|error| panic!("opening {url}: {error:?}"));
    let read = stream.try_fold(Vec::new(), async |mut all, chunk| {
        all.extend_from_slice(&chunk);
        Ok(all)
    });
    read.await
        .unwrap_or_else(|error| panic!("reading {url}: {error:?}"))
}

async fn size_of(storage: &dyn Storage, url: &Url) -> Option<usize> {
    let stat = storage.stat(url).await;
    let stat = stat.unwrap_or_else(|error| panic!("looking at {url}: {error:?}"))?;
    assert!(stat.modified_at > EARLY, "when it was written");
    Some(usize::try_from(stat.size.bytes()).expect("a small object"))
}

async fn list(storage: &dyn Storage, after: Option<&Url>) -> Vec<(Url, usize)> {
    let listed = storage.list(after).await.expect("a listing");
    listed
        .map_ok(|entry| (entry.url, length(entry.stat.size)))
        .try_collect()
        .await
        .expect("a whole listing")
}

async fn keys(storage: &dyn Storage, after: Option<&Url>) -> Vec<String> {
    let place = storage.place().as_str();
    let listed = list(storage, after).await;
    let key = |(url, _): (Url, _)| url.as_str().strip_prefix(place).unwrap_or("?").to_owned();
    listed.into_iter().map(key).collect()
}

fn length(size: ByteSize) -> usize {
    usize::try_from(size.bytes()).expect("a small object")
}

/// Deterministic pseudo-random bytes (xorshift).
fn noise(size: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut bytes = Vec::with_capacity(size + 8);
    while bytes.len() < size {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(size);
    bytes
}
