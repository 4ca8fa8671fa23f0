//! Tests of the router.

use std::path::Path;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};

use super::*;
use crate::{EntryStream, Mark, Marking, StorageUrl};
use domain::InstallationId;

const NOW: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);

fn url_in(folder: &Path, name: &str) -> StorageUrl {
    StorageUrl::from_directory(&folder.join(name)).unwrap()
}

async fn two_places() -> (tempfile::TempDir, StorageRouter) {
    let folder = tempfile::tempdir().unwrap();
    let (staging, store) = (
        url_in(folder.path(), "staging"),
        url_in(folder.path(), "store"),
    );
    let places = StorageRouter::connect(&staging, &store).await.unwrap();
    (folder, places)
}

fn source(text: &'static str) -> SourceStream<'static> {
    Box::pin(stream::iter([Ok(Bytes::from(text))]))
}

async fn content(places: &StorageRouter, url: &Url) -> String {
    let chunks: Vec<Bytes> = places
        .open(url, None)
        .await
        .unwrap()
        .try_collect()
        .await
        .unwrap();
    String::from_utf8(chunks.concat()).unwrap()
}

async fn count(storage: &Arc<dyn Storage>) -> usize {
    storage.list(None).await.unwrap().count().await
}

#[tokio::test]
async fn staged_bytes_are_counted_and_hashed_and_then_taken() {
    let (_folder, places) = two_places().await;
    let staged = places.stage(NOW, source("hello")).await.unwrap();
    assert_eq!(staged.size, ByteSize::new(5));
    assert_eq!(staged.sha256, Sha256::of(b"hello"));
    let located = places.locate(&staged.url).await.unwrap().unwrap();
    assert_eq!(
        (located.0, located.1.size),
        (staged.url.clone(), staged.size)
    );

    for _ in 0..2 {
        let taken = places
            .take(&staged.url, staged.size, staged.sha256)
            .await
            .unwrap();
        assert_eq!(taken.leftover, None);
        assert_eq!(
            places.traces(&staged.url),
            [staged.url.clone(), taken.url.clone()]
        );
        assert_eq!(content(&places, &taken.url).await, "hello");
        let located = places.locate(&staged.url).await.unwrap().unwrap();
        assert_eq!(located.0, taken.url);
    }
    assert_eq!(count(places.staging()).await, 0);
    for trace in places.traces(&staged.url) {
        places.delete(&trace).await.unwrap();
    }
    assert_eq!(places.locate(&staged.url).await.unwrap(), None);
    places
        .take(&staged.url, staged.size, staged.sha256)
        .await
        .unwrap_err();
}

#[tokio::test]
async fn bytes_staged_where_they_are_stored_stay_where_they_lie() {
    let folder = tempfile::tempdir().unwrap();
    let url = url_in(folder.path(), "both");
    let places = StorageRouter::connect(&url, &url).await.unwrap();
    let staged = places.stage(NOW, source("hello")).await.unwrap();
    let taken = places
        .take(&staged.url, staged.size, staged.sha256)
        .await
        .unwrap();
    let url = staged.url.clone();
    assert_eq!(
        taken,
        Taken {
            url,
            leftover: None
        }
    );
    assert_eq!(places.traces(&staged.url), [staged.url]);
    assert!(places.are_one());
    places.check().await.unwrap();
}

/// Two local places that pretend to be of different kinds.
async fn strangers() -> (tempfile::TempDir, StorageRouter) {
    let (folder, places) = two_places().await;
    let store = Arc::new(Stranger(Arc::clone(places.store())));
    (
        folder,
        StorageRouter::new(Arc::clone(places.staging()), store),
    )
}

#[tokio::test]
async fn bytes_staged_in_another_kind_of_storage_are_copied_once() {
    let (_folder, places) = strangers().await;
    let staged = places.stage(NOW, source("hello")).await.unwrap();
    for _ in 0..2 {
        let taken = places
            .take(&staged.url, staged.size, staged.sha256)
            .await
            .unwrap();
        assert_eq!(taken.leftover.as_ref(), Some(&staged.url));
        assert_eq!(content(&places, &taken.url).await, "hello");
        // The second time, the copy that is there will do.
        places.delete(&staged.url).await.unwrap();
    }
}

#[tokio::test]
async fn bytes_that_changed_in_staging_are_not_stored() {
    let (_folder, places) = strangers().await;
    let staged = places.stage(NOW, source("hello")).await.unwrap();
    for (size, sha256) in [
        (staged.size, Sha256::of(b"hullo")),
        (ByteSize::new(4), staged.sha256),
    ] {
        let error = places.take(&staged.url, size, sha256).await.unwrap_err();
        assert!(
            matches!(error, StorageError::DigestMismatch { .. }),
            "{error}"
        );
        assert_eq!(count(places.store()).await, 0);
    }
    places.delete(&staged.url).await.unwrap();
    let error = places
        .take(&staged.url, staged.size, staged.sha256)
        .await
        .unwrap_err();
    assert!(matches!(error, StorageError::NotFound { .. }), "{error}");
}

#[tokio::test]
async fn a_write_whose_end_is_unknown_is_undone() {
    let (_folder, places) = two_places().await;
    let forgetful = Arc::new(Stranger(Arc::clone(places.staging())));
    let places = StorageRouter::new(forgetful, Arc::clone(places.store()));
    places.stage(NOW, source("forget me")).await.unwrap_err();
    while count(places.staging()).await > 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn urls_of_other_places_and_places_within_each_other_are_refused() {
    let (folder, places) = two_places().await;
    let stranger: Url = "s3://bucket/a".parse().unwrap();
    let unknown = |error: &StorageError| matches!(error, StorageError::UnknownPlace { .. });
    assert!(unknown(&places.stat(&stranger).await.unwrap_err()));
    assert!(unknown(&places.locate(&stranger).await.unwrap_err()));
    assert_eq!(places.traces(&stranger), [stranger]);
    let (outer, inner) = (
        url_in(folder.path(), "store"),
        url_in(folder.path(), "store/in"),
    );
    for (staging, store) in [(&outer, &inner), (&inner, &outer)] {
        let error = StorageRouter::connect(staging, store).await.unwrap_err();
        assert!(matches!(error, StorageError::Overlap { .. }), "{error}");
    }
    // By other names as well.
    let at = |name: &str| folder.path().join(name);
    std::os::unix::fs::symlink(at("store"), at("link")).unwrap();
    for name in ["link", "link/in", "staging/../store"] {
        let other = url_in(folder.path(), name);
        for (staging, store) in [(&other, &outer), (&outer, &other)] {
            match StorageRouter::connect(staging, store).await {
                Err(StorageError::Overlap { .. }) => {}
                Ok(_) if staging == store => {}
                connected => panic!("{staging} and {store}: {connected:?}"),
            }
        }
    }
    let around = places.place_around(&at("link")).await.unwrap();
    assert_eq!(around, Some(places.store().place()));
    assert_eq!(places.place_around(folder.path()).await.unwrap(), None);
}

#[tokio::test]
async fn bytes_that_were_taken_into_a_former_store_are_found_and_taken_from_there() {
    let folder = tempfile::tempdir().unwrap();
    let url = |name| url_in(folder.path(), name);
    let (staging, former, store) = (url("staging"), url("former"), url("store"));
    let before = StorageRouter::connect(&staging, &former).await.unwrap();
    let source: SourceStream<'_> = Box::pin(stream::iter([Ok("bytes".into())]));
    let staged = before.stage(NOW, source).await.unwrap();
    let taken = before.take(&staged.url, staged.size, staged.sha256);
    let taken = taken.await.unwrap();

    let more = [former.clone()];
    let after = StorageRouter::connect_all(&staging, &store, &more);
    let after = after.await.unwrap();
    let found = after.locate(&staged.url).await.unwrap().unwrap();
    assert_eq!(found.0, taken.url);
    let again = after.take(&staged.url, staged.size, staged.sha256);
    let again = again.await.unwrap();
    assert!(again.url.as_str().starts_with(store.place().as_str()));
    assert_eq!(again.leftover.as_ref(), Some(&taken.url));
    for url in [&again.url, &taken.url] {
        assert!(after.traces(&staged.url).contains(url), "{url}");
    }
}

#[tokio::test]
async fn a_staging_that_was_the_store_still_has_documents() {
    let folder = tempfile::tempdir().unwrap();
    let url = |name| url_in(folder.path(), name);
    let (staging, store) = (url("staging"), url("store"));
    for (more, expected) in [(vec![], false), (vec![staging.clone()], true)] {
        let places = StorageRouter::connect_all(&staging, &store, &more);
        let places = places.await.unwrap();
        assert_eq!(places.is_store(staging.place()), expected);
        let decorated = places.decorated(Arc::clone);
        assert_eq!(decorated.is_store(staging.place()), expected);
        assert_eq!(places.distinct().count(), 2);
    }
}

/// A place that can't take from others, and loses the answer to what is called "forget me".
#[derive(Debug)]
struct Stranger(Arc<dyn Storage>);

#[async_trait::async_trait]
impl Storage for Stranger {
    fn place(&self) -> &Url {
        self.0.place()
    }

    async fn put(
        &self,
        key: &str,
        source: SourceStream<'_>,
        writer: Writer,
    ) -> Result<Url, WriteError> {
        let url = self.0.put(key, source, writer).await?;
        let stat = self.0.stat(&url).await?;
        if stat.is_some_and(|stat| stat.size == ByteSize::new(9)) {
            return Err(StorageError::Full.into());
        }
        Ok(url)
    }

    async fn open(&self, url: &Url, range: Option<Range>) -> Result<ByteStream, StorageError> {
        self.0.open(url, range).await
    }

    async fn stat(&self, url: &Url) -> Result<Option<Stat>, StorageError> {
        self.0.stat(url).await
    }

    async fn delete(&self, url: &Url) -> Result<(), StorageError> {
        self.0.delete(url).await
    }

    async fn take(&self, _staged: &Url, _key: &str) -> Result<Option<Url>, StorageError> {
        Ok(None)
    }

    async fn list(&self, after: Option<&Url>) -> Result<EntryStream, StorageError> {
        self.0.list(after).await
    }

    async fn sweep(&self, older_than: Timestamp) -> Result<u64, StorageError> {
        self.0.sweep(older_than).await
    }

    async fn check(&self) -> Result<(), StorageError> {
        self.0.check().await
    }

    async fn mark(&self) -> Result<Option<Mark>, StorageError> {
        self.0.mark().await
    }

    async fn set_mark(
        &self,
        installation: InstallationId,
        marking: Marking,
    ) -> Result<(), StorageError> {
        self.0.set_mark(installation, marking).await
    }
}
