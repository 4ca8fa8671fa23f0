//! Reads of objects that may be moved meanwhile: the old object is removed some time after a move, and
//! whoever read it then goes on at the new one.

use std::sync::Arc;

use futures::future::BoxFuture;
use futures::{TryStreamExt, stream};
use url::Url;

use super::routing::StorageRouter;
use crate::{ByteStream, Range, StorageError};

/// Finds out where an object is now; `None` if it is gone.
pub type FindMoved = Arc<dyn Fn() -> BoxFuture<'static, Option<Url>> + Send + Sync>;

struct Reading {
    places: StorageRouter,
    chunks: ByteStream,
    url: Url,
    left: Range,
    find: FindMoved,
}

impl StorageRouter {
    /// Like [`Self::open`], for an object that may have been moved since its URL was read.
    pub async fn open_moved(
        &self,
        url: &Url,
        range: Range,
        find: &FindMoved,
    ) -> Result<ByteStream, StorageError> {
        match self.open(url, Some(range)).await {
            Err(error @ StorageError::NotFound { .. }) => {
                let moved = find().await.filter(|moved| moved != url).ok_or(error)?;
                let chunks = self.open(&moved, Some(range)).await?;
                Ok(self.following(chunks, (&moved, range), find))
            }
            opened => Ok(self.following(opened?, (url, range), find)),
        }
    }

    /// Returns `chunks`, a range of the object at `url`. If it is gone before its end because it was
    /// moved, the rest is read where it is then.
    #[must_use]
    pub fn following(
        &self,
        chunks: ByteStream,
        (url, range): (&Url, Range),
        find: &FindMoved,
    ) -> ByteStream {
        let reading = Reading {
            places: self.clone(),
            chunks,
            url: url.clone(),
            left: range,
            find: Arc::clone(find),
        };
        Box::pin(stream::try_unfold(reading, |mut reading| async move {
            loop {
                match reading.chunks.try_next().await {
                    Ok(None) => return Ok(None),
                    Ok(Some(chunk)) => {
                        let length = chunk.len() as u64;
                        reading.left.start += length;
                        reading.left.length = reading.left.length.saturating_sub(length);
                        return Ok(Some((chunk, reading)));
                    }
                    Err(error @ StorageError::NotFound { .. }) => reading.move_on(error).await?,
                    Err(error) => return Err(error),
                }
            }
        }))
    }
}

impl Reading {
    async fn move_on(&mut self, error: StorageError) -> Result<(), StorageError> {
        let moved = (self.find)().await.filter(|moved| *moved != self.url);
        let moved = moved.ok_or(error)?;
        tracing::debug!(
            storage.url = %moved,
            offset = self.left.start,
            "going on with an object that was moved"
        );
        self.chunks = self.places.open(&moved, Some(self.left)).await?;
        self.url = moved;
        Ok(())
    }
}
