//! The part of the contract about objects that grow, for places that have them.
#![expect(
    clippy::panic,
    reason = "a promise that isn't kept ends the test that calls this"
)]

use bytes::Bytes;
use futures::TryStreamExt;
use url::Url;

use super::key::new_growing_key;
use super::{Appending, Flush, Growing, Storage, StorageError, Writer};
use domain::Timestamp;

const NOW: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);
const LATE: Timestamp = Timestamp::from_micros(i64::MAX / 2);
const EARLY: Timestamp = Timestamp::from_micros(0);
const MIB: usize = 1 << 20;

/// Checks a place where nothing grows, and leaves nothing there.
pub(super) async fn objects_grow(storage: &dyn Storage) {
    let Some(appending) = storage.appending() else {
        return;
    };
    let place = Place { storage, appending };
    place.pieces_become_an_object().await;
    place.who_was_cut_off_changes_nothing().await;
    place.unfinished_ones_are_spared_and_removed().await;
}

struct Place<'a> {
    storage: &'a dyn Storage,
    appending: &'a dyn Appending,
}

impl Place<'_> {
    fn begin(&self) -> Growing {
        let url = self.storage.place().join(&new_growing_key(NOW));
        Growing {
            url: url.expect("a URL"),
            length: 0,
            tail: None,
            parts: String::new(),
            skipped: 0,
        }
    }

    /// Appends `bytes` as one writer; gives the object and its former tail.
    async fn append(
        &self,
        growing: &Growing,
        fence: u64,
        bytes: &[u8],
        flush: Flush,
    ) -> Result<Growing, StorageError> {
        let mut writer = self
            .appending
            .append(growing, fence, Writer::Service)
            .await?;
        let mut rest = Bytes::copy_from_slice(bytes);
        let mut growing = growing.clone();
        while !rest.is_empty() {
            if writer.room() == 0 {
                growing = writer.flush(Flush::More, NOW).await?;
            }
            let chunk = rest.split_to(rest.len().min(writer.room()).min(100_000));
            writer.push(chunk).await?;
        }
        let end = writer.flush(flush, NOW).await?;
        assert!(end.length >= growing.length, "an object that shrinks");
        Ok(end)
    }

    async fn read(&self, url: &Url) -> Vec<u8> {
        let stream = self.storage.open(url, None).await.expect("an object");
        let read = stream.try_fold(Vec::new(), async |mut all, chunk| {
            all.extend_from_slice(&chunk);
            Ok(all)
        });
        read.await.expect("a whole object")
    }

    async fn remove(&self, growing: &Growing) {
        for url in growing.tail.iter().chain([&growing.url]) {
            self.storage.delete(url).await.expect("it is removed");
        }
    }

    async fn pieces_become_an_object(&self) {
        let cases: &[&[usize]] = &[
            &[],
            &[0],
            &[1],
            &[1, 0, 2, 1],
            &[MIB; 12],
            &[6 * MIB, 6 * MIB, 1],
            &[20 * MIB, 3, 9 * MIB],
        ];
        for flush in [Flush::More, Flush::Last] {
            for sizes in cases {
                let mut growing = self.begin();
                let (mut all, mut tails) = (Vec::new(), Vec::new());
                for (fence, size) in (1..).zip(*sizes) {
                    let bytes = noise(*size, fence);
                    let is_last = fence == sizes.len() as u64;
                    let flush = if is_last { flush } else { Flush::More };
                    let written = self.append(&growing, fence, &bytes, flush).await;
                    tails.extend(growing.tail);
                    growing = written.unwrap_or_else(|error| panic!("{sizes:?}: {error:?}"));
                    all.extend_from_slice(&bytes);
                    assert_eq!(growing.length, all.len() as u64, "{sizes:?}");
                }
                for tail in tails
                    .iter()
                    .filter(|tail| growing.tail.as_ref() != Some(tail))
                {
                    self.storage.delete(tail).await.expect("a former tail");
                }
                let fence = sizes.len() as u64 + 1;
                let mut ends = Vec::new();
                for _ in 0..2 {
                    let finished = self.appending.finish(&growing, fence, Writer::Service);
                    ends.push(
                        finished
                            .await
                            .unwrap_or_else(|error| panic!("{sizes:?}: {error:?}")),
                    );
                }
                assert_eq!(ends[0], ends[1], "finished twice");
                assert!(self.read(&ends[0]).await == all, "{sizes:?} {flush:?}");
                self.remove(&growing).await;
                self.storage.delete(&ends[0]).await.expect("an object");
            }
        }
    }

    async fn who_was_cut_off_changes_nothing(&self) {
        let growing = self.begin();
        let (first, second) = (noise(6 * MIB, 1), noise(6 * MIB, 2));
        let growing = self.append(&growing, 1, &first, Flush::More).await;
        let growing = growing.expect("a first piece");
        // It has a buffered piece, and has sent another one that it hasn't recorded.
        let hanging = self.appending.append(&growing, 2, Writer::Service).await;
        let mut hanging = hanging.expect("a writer");
        let wrong = Bytes::from(noise(3 * MIB, 3));
        hanging.push(wrong.clone()).await.expect("a piece");
        let sent = self
            .append(&growing, 2, &noise(7 * MIB, 4), Flush::More)
            .await;
        sent.expect("a piece that is not recorded");
        let growing = Growing {
            skipped: growing.skipped + 2,
            ..growing
        };
        let next = self.append(&growing, 3, &second, Flush::More).await;
        let next = next.expect("the next writer");
        // Refused, or without effect.
        let _ = hanging.push(wrong).await;
        let late = hanging.flush(Flush::More, NOW).await;
        if let Ok(Growing {
            tail: Some(tail), ..
        }) = late
        {
            self.storage.delete(&tail).await.expect("a stray tail");
        }
        let finished = self.appending.finish(&next, 4, Writer::Service).await;
        let url = finished.expect("it is finished");
        assert!(self.read(&url).await == [first, second].concat(), "mixed");
        self.remove(&next).await;
        self.storage.delete(&url).await.expect("an object");
    }

    async fn unfinished_ones_are_spared_and_removed(&self) {
        let growing = self.begin();
        let bytes = noise(6 * MIB + 1, 5);
        let growing = self.append(&growing, 1, &bytes, Flush::More).await;
        let growing = growing.expect("a piece");
        let listed = async |older_than| {
            let listed = self.appending.unfinished(older_than).await;
            let listed = listed.expect("a listing").map_ok(|entry| entry.url);
            let mut urls: Vec<_> = listed.try_collect().await.expect("a whole listing");
            urls.dedup();
            urls
        };
        self.storage.sweep(LATE).await.expect("a sweep");
        assert_eq!(
            listed(LATE).await,
            std::slice::from_ref(&growing.url),
            "what was swept"
        );
        assert_eq!(listed(EARLY).await, [], "what is not so old");
        let stat = self.storage.stat(&growing.url).await.expect("a look");
        assert_eq!(stat, None, "an unfinished object is seen");
        self.remove(&growing).await;
        self.remove(&growing).await;
        assert_eq!(listed(LATE).await, [], "what was removed");
        let lost = self.append(&growing, 2, b"?", Flush::Last).await;
        let finished = match lost {
            Ok(lost) => self.appending.finish(&lost, 3, Writer::Service).await,
            Err(error) => Err(error),
        };
        match finished {
            Err(StorageError::NotFound { .. }) => {}
            // Azurite keeps blocks of what was removed: then nothing is lost.
            Ok(url) if url.scheme() == "azure" => {
                assert!(
                    self.read(&url).await == [&bytes[..], b"?"].concat(),
                    "mixed"
                );
                self.storage.delete(&url).await.expect("an object");
            }
            other => panic!("lost bytes: {other:?}"),
        }
        self.remove(&growing).await;
    }
}

/// Deterministic pseudo-random bytes (xorshift).
fn noise(size: usize, seed: u64) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64 ^ (seed << 32);
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
