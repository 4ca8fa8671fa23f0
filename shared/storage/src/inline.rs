//! Inline bodies: few bytes, which whoever accepts them keeps in a row of its own transaction
//! instead of a place. They have the URL under which staging would have them, so that whatever
//! deals with staged bytes by their URL deals with them alike.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures::{StreamExt, stream};
use url::Url;

use super::key::{new_key, url_of};
use super::router::{Tally, of_storage};
use super::{
    SourceError, SourceStream, Staged, Storage, StorageError, StorageRouter, WriteError, Writer,
};
use domain::Timestamp;

impl StorageRouter {
    /// Reads up to `most` bytes into memory and leaves them there, in [`Staged::body`]; what is more
    /// is staged like any upload ([`Self::stage_for`]), and so is nothing at all.
    pub async fn receive_for(
        &self,
        writer: Writer,
        now: Timestamp,
        mut source: SourceStream<'_>,
        most: usize,
    ) -> Result<Staged, WriteError> {
        self.check_room()?;
        let mut body = BytesMut::new();
        while let Some(chunk) = source.next().await {
            let chunk = chunk.map_err(WriteError::Source).map_err(of_storage)?;
            if body.len() + chunk.len() > most {
                let head = [Ok(body.freeze()), Ok(chunk)];
                let whole = Box::pin(stream::iter(head).chain(source));
                return self.stage_for(writer, now, whole).await;
            }
            body.extend_from_slice(&chunk);
        }
        if body.is_empty() {
            // Databases don't all tell no bytes from none.
            return self.stage_for(writer, now, Box::pin(stream::empty())).await;
        }
        let body = body.freeze();
        let mut tally = Tally::default();
        tally.add(&body);
        let (size, sha256) = tally.finish();
        Ok(Staged {
            url: url_of(self.staging().place(), &new_key(now)),
            begun_at: now,
            size,
            sha256,
            body: Some(body),
        })
    }

    /// Writes an inline body to the store, under the key of its URL `staged`, and gives where it
    /// is. Doing it again writes the same bytes over it.
    pub async fn store_body(&self, staged: &Url, body: Bytes) -> Result<Url, StorageError> {
        let key = self.key_of(staged)?;
        write_body(self.store(), key, body).await
    }

    /// Writes an inline body anew at `lost`, a URL of a place whose own bytes are gone or damaged.
    pub async fn put_body_back(&self, lost: &Url, body: Bytes) -> Result<(), StorageError> {
        let storage = self.adapter_of(lost)?;
        self.removal().check(storage).await?;
        write_body(storage, self.key_of(lost)?, body).await?;
        Ok(())
    }
}

async fn write_body(
    storage: &Arc<dyn Storage>,
    key: &str,
    body: Bytes,
) -> Result<Url, StorageError> {
    let source = Box::pin(stream::iter([Ok::<_, SourceError>(body)]));
    let written = storage.put(key, source, Writer::Service).await;
    written.map_err(|error| match of_storage(error) {
        WriteError::Storage(error) => error,
        WriteError::Source(source) => StorageError::Unavailable {
            action: "write",
            source,
        },
    })
}

#[cfg(test)]
mod tests {
    use futures::TryStreamExt;

    use super::*;
    use crate::Local;

    const NOW: Timestamp = Timestamp::from_micros(1_800_000_000_000_000);

    fn source(chunks: &[&'static str]) -> SourceStream<'static> {
        let chunks: Vec<_> = chunks
            .iter()
            .map(|chunk| Ok(Bytes::from_static(chunk.as_bytes())))
            .collect();
        Box::pin(stream::iter(chunks))
    }

    async fn places(folder: &std::path::Path) -> StorageRouter {
        let at = |name| Url::from_directory_path(folder.join(name)).unwrap();
        let (staging, store) = (at("staging"), at("store"));
        let staging = Local::connect(&staging).await.unwrap();
        let store = Local::connect(&store).await.unwrap();
        StorageRouter::new(Arc::new(staging), Arc::new(store))
    }

    async fn content(places: &StorageRouter, url: &Url) -> Vec<u8> {
        let chunks: Vec<Bytes> = places
            .open(url, None)
            .await
            .unwrap()
            .try_collect()
            .await
            .unwrap();
        chunks.concat()
    }

    #[tokio::test]
    async fn few_bytes_stay_in_memory_until_they_are_stored() {
        let folder = tempfile::tempdir().unwrap();
        let places = places(folder.path()).await;
        let whole = source(&["one, ", "two"]);
        let staged = places
            .receive_for(Writer::Service, NOW, whole, 8)
            .await
            .unwrap();
        let body = staged.body.clone().unwrap();
        assert_eq!((&body[..], staged.size.bytes()), (&b"one, two"[..], 8));
        assert!(places.stat(&staged.url).await.unwrap().is_none());

        for _ in 0..2 {
            let stored = places.store_body(&staged.url, body.clone()).await.unwrap();
            assert_eq!(content(&places, &stored).await, b"one, two");
        }
    }

    #[tokio::test]
    async fn one_byte_more_is_staged_whole() {
        let folder = tempfile::tempdir().unwrap();
        let places = places(folder.path()).await;
        let whole = source(&["one, ", "two", ", three"]);
        let staged = places
            .receive_for(Writer::Service, NOW, whole, 7)
            .await
            .unwrap();
        assert_eq!((staged.body, staged.size.bytes()), (None, 15));
        assert_eq!(content(&places, &staged.url).await, b"one, two, three");
    }

    #[tokio::test]
    async fn a_source_that_breaks_off_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let places = places(folder.path()).await;
        let broken: SourceStream<'_> = Box::pin(
            source(&["one"]).chain(stream::iter([Err(std::io::Error::other("gone").into())])),
        );
        let refused = places.receive_for(Writer::Service, NOW, broken, 8).await;
        assert!(matches!(refused, Err(WriteError::Source(_))), "{refused:?}");
    }
}
