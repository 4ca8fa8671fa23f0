//! Where the bytes of an archive come from: ranged reads, implemented by callers
//! for whatever holds it.

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures::TryStreamExt;
use futures::stream::BoxStream;

use super::ArchiveError;

/// Why bytes could not be had: the holder's error, passed through untouched.
pub type SourceError = Box<dyn std::error::Error + Send + Sync>;

/// Bytes in pieces of whatever size.
pub type Chunks = BoxStream<'static, Result<Bytes, SourceError>>;

/// Random access to an archive.
#[async_trait]
pub trait Source: Send + Sync {
    /// How many bytes there are.
    fn length(&self) -> u64;

    /// The `length` bytes from `offset` on, all of them within the archive.
    async fn read(&self, offset: u64, length: u64) -> Result<Chunks, SourceError>;
}

/// Bytes that are there, all at once.
pub(super) async fn read_whole(
    source: &dyn Source,
    offset: u64,
    length: usize,
) -> Result<Bytes, ArchiveError> {
    if length == 0 {
        return Ok(Bytes::new());
    }
    let mut chunks = source
        .read(offset, length as u64)
        .await
        .map_err(ArchiveError::Source)?;
    let mut whole = BytesMut::with_capacity(length);
    while let Some(chunk) = chunks.try_next().await.map_err(ArchiveError::Source)? {
        whole.extend_from_slice(&chunk);
        if whole.len() >= length {
            break;
        }
    }
    if whole.len() < length {
        return Err(ArchiveError::Source("the archive ends early".into()));
    }
    whole.truncate(length);
    Ok(whole.freeze())
}
