//! Adapts stored bytes to the type detection: reads a small document whole, a larger one in bounded
//! parts.

use std::io;

use bytes::Bytes;
use domain::ByteSize;
use futures::TryStreamExt;
use storage::{ByteStream, Range, StorageError, StorageRouter};
use tokio::runtime::Handle;
use url::Url;

/// Documents up to this size are read in one request; larger ones in parts of at most this size.
const WHOLE: u64 = 1 << 20;

/// The bytes of a document.
#[derive(Debug)]
pub enum Stored {
    /// In memory.
    Whole(Bytes),
    /// In storage.
    InParts(Parts),
}

/// A document that is read in parts. Reads block: use it on a blocking thread.
#[derive(Debug)]
pub struct Parts {
    places: StorageRouter,
    location: Url,
    size: u64,
    runtime: Handle,
}

/// Opens the document at `location`.
pub async fn open(
    places: &StorageRouter,
    location: &Url,
    size: ByteSize,
) -> Result<Stored, StorageError> {
    let size = size.bytes();
    if size == 0 {
        return Ok(Stored::Whole(Bytes::new()));
    }
    if size <= WHOLE {
        let bytes = collect(places.open(location, None).await?).await?;
        return Ok(Stored::Whole(bytes.into()));
    }
    Ok(Stored::InParts(Parts {
        places: places.clone(),
        location: location.clone(),
        size,
        runtime: Handle::current(),
    }))
}

impl Parts {
    async fn read(&self, range: Range) -> Result<Vec<u8>, StorageError> {
        collect(self.places.open(&self.location, Some(range)).await?).await
    }
}

impl identify::Source for Parts {
    fn len(&self) -> u64 {
        self.size
    }

    fn read_at(&mut self, offset: u64, length: usize) -> io::Result<Vec<u8>> {
        let left = self.size.saturating_sub(offset);
        let length = (length as u64).min(left).min(WHOLE);
        if length == 0 {
            return Ok(Vec::new());
        }
        let range = Range {
            start: offset,
            length,
        };
        self.runtime
            .block_on(self.read(range))
            .map_err(io::Error::other)
    }
}

async fn collect(bytes: ByteStream) -> Result<Vec<u8>, StorageError> {
    let chunks: Vec<Bytes> = bytes.try_collect().await?;
    Ok(chunks.concat())
}
