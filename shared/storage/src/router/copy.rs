//! Copies objects through this process, and verifies them on the way.

use futures::TryStreamExt;
use url::Url;

use super::routing::StorageRouter;
use crate::hashing::Hashing;
use crate::key::{new_key, url_of};
use crate::{ByteStream, SourceStream, StorageError, WriteError, Writer};
use domain::{ByteSize, Sha256, Timestamp};

impl StorageRouter {
    /// Copies an object to `target`, a URL of one of the places, through this process, and verifies
    /// `size` and `sha256`: the copy becomes visible only if it is whole. Safe to repeat. `paced`
    /// may slow the bytes down.
    pub async fn copy(
        &self,
        source: &Url,
        target: &Url,
        (size, sha256): (ByteSize, Sha256),
        paced: impl FnOnce(ByteStream) -> ByteStream,
    ) -> Result<(), StorageError> {
        let storage = self.adapter_of(target)?;
        let key = self.key_of(target)?;
        let bytes = paced(self.open(source, None).await?);
        let source = verified(bytes, source, size, sha256);
        match storage.put(key, source, Writer::Service).await {
            Ok(_) => Ok(()),
            Err(WriteError::Storage(error)) => Err(error.at(storage.place())),
            // The source is one of our own places, so its errors are storage errors.
            Err(WriteError::Source(error)) => Err(match error.downcast::<StorageError>() {
                Ok(error) => *error,
                Err(source) => StorageError::Unavailable {
                    action: "copy",
                    source,
                },
            }),
        }
    }

    /// Returns a URL in a place for a copy that is begun now. Keys are never used again, so a late
    /// removal of another object never meets it.
    #[must_use]
    pub fn fresh_url(&self, place: &Url, now: Timestamp) -> Url {
        url_of(place, &new_key(now))
    }
}

/// Streams the bytes of an object and ends with an error if size or digest differ from those
/// expected, so that the write is abandoned.
fn verified(bytes: ByteStream, url: &Url, size: ByteSize, sha256: Sha256) -> SourceStream<'static> {
    let state = (bytes, Hashing::default(), url.clone());
    Box::pin(futures::stream::try_unfold(
        state,
        move |(mut bytes, mut hashing, url)| async move {
            if let Some(chunk) = bytes.try_next().await? {
                hashing.add(chunk.clone()).await?;
                return Ok(Some((chunk, (bytes, hashing, url))));
            }
            if hashing.finish().await? == (size, sha256) {
                return Ok(None);
            }
            Err(StorageError::DigestMismatch { url }.into())
        },
    ))
}
