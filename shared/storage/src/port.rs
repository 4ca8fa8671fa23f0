//! The port: what every kind of storage can do. Adapters implement it, decorators wrap it.

use std::pin::Pin;

use async_trait::async_trait;
use bytes::Bytes;
use futures::Stream;
use url::Url;

use super::key::made_at;
use super::{Mark, Marking, SourceError, StorageError, WriteError};
use domain::{ByteSize, InstallationId, Timestamp, UserId};

/// Bytes on their way out of storage, in large chunks.
pub type ByteStream = Pin<Box<dyn Stream<Item = Result<Bytes, StorageError>> + Send>>;

/// Bytes on their way into storage. It is read once, to its end.
pub type SourceStream<'a> = Pin<Box<dyn Stream<Item = Result<Bytes, SourceError>> + Send + 'a>>;

/// On whose behalf bytes are written. What a write takes of what all of them share, as memory, is
/// charged to its writer, so that no writer takes everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Writer {
    /// The service itself: copies, and what is small and has a bounded number.
    Service,
    /// A user who uploads, imports or exports.
    User(UserId),
}

/// A part of an object: `length` bytes from `start`, both inside the object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// The first byte, from 0.
    pub start: u64,
    /// How many bytes.
    pub length: u64,
}

/// What is known of an object without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stat {
    /// Its length.
    pub size: ByteSize,
    /// When it was written.
    pub modified_at: Timestamp,
}

/// An object found by listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Where it is.
    pub url: Url,
    /// What is known of it.
    pub stat: Stat,
}

impl Entry {
    /// When its write began: as its key says, if we made that, else when it was last modified.
    #[must_use]
    pub fn begun_at(&self) -> Timestamp {
        made_at(&self.url).unwrap_or(self.stat.modified_at)
    }
}

/// Objects found by listing, in the order of their keys.
pub type EntryStream = Pin<Box<dyn Stream<Item = Result<Entry, StorageError>> + Send>>;

/// One kind of storage at one place (a folder, a bucket and prefix).
///
/// Keys are opaque, ASCII, made by us: a folder of two hexadecimal digits and a `UUIDv7`
/// that ends with them. The URL of an object is its place's URL and the key. What has
/// another name is somebody else's: no method lists, reads, writes or removes it. No
/// method keeps more than a few chunks in memory, whatever the size of the object.
#[async_trait]
pub trait Storage: Send + Sync + std::fmt::Debug {
    /// The place this adapter serves: every object's URL begins with it.
    fn place(&self) -> &Url;

    /// Writes a new object and returns its URL. When it returns, the bytes are
    /// durable. When it fails or is dropped, nothing can be seen under the
    /// key, and what is left behind is found by `sweep`. It fails with [`StorageError::Busy`] if
    /// there is no memory for it for too long, and with [`StorageError::SlowSource`] if it keeps
    /// others waiting for memory that its source doesn't fill.
    async fn put(
        &self,
        key: &str,
        source: SourceStream<'_>,
        writer: Writer,
    ) -> Result<Url, WriteError>;

    /// Opens an object, whole or in part. Nothing is read before the stream is polled
    /// beyond what tells that the object is there.
    async fn open(&self, url: &Url, range: Option<Range>) -> Result<ByteStream, StorageError>;

    /// What is known of an object; `None` if there is none.
    async fn stat(&self, url: &Url) -> Result<Option<Stat>, StorageError>;

    /// Removes an object. Removing what isn't there is a success.
    async fn delete(&self, url: &Url) -> Result<(), StorageError>;

    /// Moves or copies `staged`, an object of another place of the same kind and
    /// service, to `key` without the bytes passing through this process:
    /// a rename, a server-side copy. `None` if that can't be done, and then
    /// nothing has happened. Doing it again after it was done is a success
    /// as long as the object is at either end. The object at `staged` may still be there afterwards.
    async fn take(&self, staged: &Url, key: &str) -> Result<Option<Url>, StorageError>;

    /// Lists the objects of this place whose URL sorts behind `after`.
    async fn list(&self, after: Option<&Url>) -> Result<EntryStream, StorageError>;

    /// Removes what writes that never ended left behind before `older_than`
    /// (temporary files, abandoned multipart uploads), and says how many.
    async fn sweep(&self, older_than: Timestamp) -> Result<u64, StorageError>;

    /// Whether the place can be reached and written to, as cheaply as that can be told.
    async fn check(&self) -> Result<(), StorageError>;

    /// Whose the place is, as its mark says; `None` if it has none.
    async fn mark(&self) -> Result<Option<Mark>, StorageError>;

    /// Marks the place as that of `installation`, durably. Where another process marks it at the
    /// same moment, `mark` tells who was first.
    async fn set_mark(
        &self,
        installation: InstallationId,
        marking: Marking,
    ) -> Result<(), StorageError>;
}
