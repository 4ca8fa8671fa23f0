//! Reads an archive in storage.

use archive::{Chunks, Source, SourceError};
use async_trait::async_trait;
use futures::{StreamExt, TryStreamExt, stream};
use storage::{Range, StorageError, StorageRouter};
use url::Url;

/// An archive in storage.
#[derive(Clone, Debug)]
pub struct StoredArchive {
    places: StorageRouter,
    location: Url,
    length: u64,
}

impl StoredArchive {
    /// Opens the archive at `location`; `None` if it is gone.
    pub async fn open(
        places: &StorageRouter,
        location: &Url,
    ) -> Result<Option<Self>, StorageError> {
        let stat = places.stat(location).await?;
        Ok(stat.map(|stat| Self {
            places: places.clone(),
            location: location.clone(),
            length: stat.size.bytes(),
        }))
    }
}

#[async_trait]
impl Source for StoredArchive {
    fn length(&self) -> u64 {
        self.length
    }

    async fn read(&self, offset: u64, length: u64) -> Result<Chunks, SourceError> {
        if length == 0 {
            return Ok(stream::empty().boxed());
        }
        let range = Range {
            start: offset,
            length,
        };
        let chunks = self.places.open(&self.location, Some(range)).await?;
        Ok(chunks.map_err(SourceError::from).boxed())
    }
}
