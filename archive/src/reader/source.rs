//! Where the bytes of an archive come from: ranged reads, implemented by callers
//! for whatever holds it.

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;

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
