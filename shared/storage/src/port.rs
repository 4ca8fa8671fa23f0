//! The port that every kind of storage implements. Decorators wrap it.

use std::pin::Pin;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::Stream;
use url::Url;

use super::key::made_at;
use super::{Direct, Mark, Marking, SourceError, StorageError, WriteError};
use domain::{ByteSize, InstallationId, Timestamp, UserId};

/// Bytes read from storage, in large chunks.
pub type ByteStream = Pin<Box<dyn Stream<Item = Result<Bytes, StorageError>> + Send>>;

/// Bytes to write to storage; read once, to the end.
pub type SourceStream<'a> = Pin<Box<dyn Stream<Item = Result<Bytes, SourceError>> + Send + 'a>>;

/// On whose behalf bytes are written. Shared resources of a write, such as memory, are charged to
/// its writer, so that none takes everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Writer {
    /// The service itself: copies, and small objects of bounded number.
    Service,
    /// A user who uploads, imports or exports.
    User(UserId),
    /// Whoever uploads with a user's tickets: strangers don't take what the user needs.
    Tickets(UserId),
}

/// A range of an object: `length` bytes from `start`, within the object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// The first byte, from 0.
    pub start: u64,
    /// The number of bytes.
    pub length: u64,
}

/// The metadata of an object.
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
    /// Its size and time.
    pub stat: Stat,
}

impl Entry {
    /// Returns when its write began: from its key if it is ours, else its modification time.
    #[must_use]
    pub fn begun_at(&self) -> Timestamp {
        made_at(&self.url).unwrap_or(self.stat.modified_at)
    }
}

/// Listed objects, in the order of their keys.
pub type EntryStream = Pin<Box<dyn Stream<Item = Result<Entry, StorageError>> + Send>>;

/// How the bytes behind a presigned URL present themselves to whoever reads them. They also carry
/// `Cache-Control: private, no-store`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Presented {
    /// Their `Content-Type`.
    pub media_type: String,
    /// Their `Content-Disposition`, in ASCII.
    pub disposition: String,
}

/// The `Cache-Control` of bytes behind a presigned URL.
#[cfg(feature = "objects")]
pub(crate) const PRESIGNED_CACHE: &str = "private, no-store";

/// A storage place: a folder, or a prefix of a bucket.
///
/// Keys are ASCII and created by us: a folder of two hexadecimal digits and a `UUIDv7` that ends
/// with them. The URL of an object is its place's URL followed by the key. Objects with other names
/// belong to others: no method lists, reads, writes or removes them. No method holds more than a
/// few chunks in memory, whatever the size of the object.
#[async_trait]
pub trait Storage: Send + Sync + std::fmt::Debug {
    /// Returns the URL of the place, a prefix of every object's URL.
    fn place(&self) -> &Url;

    /// Writes a new object and returns its URL. The bytes are durable when it returns. If it fails
    /// or is dropped, nothing is visible under the key, and `sweep` removes leftovers. Fails with
    /// [`StorageError::Busy`] if it waits too long for buffers, and with
    /// [`StorageError::SlowSource`] if its source fills a buffer too slowly while others wait.
    async fn put(
        &self,
        key: &str,
        source: SourceStream<'_>,
        writer: Writer,
    ) -> Result<Url, WriteError>;

    /// Opens an object, or a range of it. Before the stream is polled it only checks that the
    /// object exists, and reads at most a few kilobytes.
    async fn open(&self, url: &Url, range: Option<Range>) -> Result<ByteStream, StorageError>;

    /// Returns a URL at which anybody can read the object for `lifetime`, in whole or in part;
    /// `None` if the place has no such URLs. Does not check that the object exists. The URL is a
    /// secret, and must not be logged.
    async fn presign(
        &self,
        url: &Url,
        presented: &Presented,
        lifetime: Duration,
    ) -> Result<Option<Url>, StorageError> {
        let _ = (url, presented, lifetime);
        Ok(None)
    }

    /// Returns the metadata of an object; `None` if it does not exist.
    async fn stat(&self, url: &Url) -> Result<Option<Stat>, StorageError>;

    /// Removes an object, finished or growing. Succeeds if it does not exist.
    async fn delete(&self, url: &Url) -> Result<(), StorageError>;

    /// Moves or copies `staged`, an object of another place of the same kind and service, to `key`
    /// without passing the bytes through this process: a rename or a server-side copy. Returns
    /// `None`, without effect, if that is not possible. Safe to repeat as long as the object exists
    /// at either URL. The object at `staged` may remain.
    async fn take(&self, staged: &Url, key: &str) -> Result<Option<Url>, StorageError>;

    /// Lists the objects of this place whose URL sorts after `after`.
    async fn list(&self, after: Option<&Url>) -> Result<EntryStream, StorageError>;

    /// Removes leftovers of unfinished writes from before `older_than` (temporary files, abandoned
    /// multipart uploads), and returns how many were removed. Leaves objects that grow: only the
    /// ledger knows which of them are abandoned.
    async fn sweep(&self, older_than: Timestamp) -> Result<u64, StorageError>;

    /// Checks as cheaply as possible that the place can be reached and written to.
    async fn check(&self) -> Result<(), StorageError>;

    /// Returns the mark of the place; `None` if it has none.
    async fn mark(&self) -> Result<Option<Mark>, StorageError>;

    /// Marks the place durably as belonging to `installation`. If another process does so at the
    /// same time, `mark` returns the winner.
    async fn set_mark(
        &self,
        installation: InstallationId,
        marking: Marking,
    ) -> Result<(), StorageError>;

    /// Returns the interface for objects that grow; `None` if the backend doesn't have it, and then
    /// resumable uploads are refused.
    fn appending(&self) -> Option<&dyn Appending> {
        None
    }

    /// Returns the interface for uploads that clients write straight into the place; `None` if it
    /// has no URLs for that.
    fn direct(&self) -> Option<&dyn Direct> {
        None
    }
}

/// An object that grows, as its ledger row describes it. Whoever writes it stores the value that
/// [`Appender::flush`] returns, and passes it to the next writer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Growing {
    /// The URL that the object will have.
    pub url: Url,
    /// Its durable bytes. Bytes beyond them count as not written.
    pub length: u64,
    /// The object that has the last of them, if the backend accepts no part that small.
    pub tail: Option<Url>,
    /// What the adapter needs to find the others; empty at first, and opaque to everybody else.
    pub parts: String,
    /// How many parts may have been written by writers that were cut off, and are no part of it.
    pub skipped: u32,
}

/// Whether more bytes will follow those that are flushed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flush {
    /// Yes, by this writer or by another one.
    More,
    /// No: the object has all its bytes.
    Last,
}

/// A place in which objects grow. Keys of such objects are marked ([`crate::StorageRouter::grow`]), so that
/// sweeps of abandoned writes leave them to the ledger. [`Storage::delete`]
/// removes an unfinished one too, with all its parts but the tail, which is an object of its own.
#[async_trait]
pub trait Appending: Send + Sync {
    /// Continues the object at its length as the holder of `fence`. Writers with a lower fence can't
    /// change it from then on: their calls fail with [`StorageError::Superseded`], or have no
    /// effect. Fails with [`StorageError::NotFound`] if the backend has lost its bytes.
    async fn append(
        &self,
        growing: &Growing,
        fence: u64,
        writer: Writer,
    ) -> Result<Box<dyn Appender>, StorageError>;

    /// Makes it an ordinary object of exactly its length, at its own URL or at that of its tail,
    /// and returns where. Safe to repeat, also after it has succeeded.
    async fn finish(
        &self,
        growing: &Growing,
        fence: u64,
        writer: Writer,
    ) -> Result<Url, StorageError>;

    /// Lists unfinished objects that were last written before `older_than`, or begun before it where
    /// the backend doesn't tell; sizes may be missing.
    async fn unfinished(&self, older_than: Timestamp) -> Result<EntryStream, StorageError>;
}

/// Writes to an object that grows. Holds at most one part in memory. Dropping it loses what wasn't
/// flushed.
#[async_trait]
pub trait Appender: Send + Sync {
    /// Returns how many bytes may be pushed before a flush is needed.
    fn room(&self) -> usize;

    /// Appends a chunk, no longer than the room. It need not be durable when this returns.
    async fn push(&mut self, chunk: Bytes) -> Result<(), StorageError>;

    /// Makes everything durable that was pushed until `now`, and returns the object as it is then.
    /// The pushed bytes belong to it once the caller has stored that; a crash before then loses
    /// them.
    async fn flush(&mut self, flush: Flush, now: Timestamp) -> Result<Growing, StorageError>;

    /// Returns once others wait for the memory of this writer, who has filled it too slowly.
    async fn is_claimed(&self) {
        std::future::pending::<()>().await;
    }

    /// Removes what this writer began beside the object, once the caller has decided that nothing it
    /// flushed is stored. What can't be removed is left to the sweep.
    async fn abandon(&mut self) {}
}
