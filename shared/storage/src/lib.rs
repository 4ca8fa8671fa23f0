//! Storage of bytes: one port, an adapter for each kind of storage, and the router between places.

#[cfg(any(test, feature = "test-support"))]
pub mod contract;
#[cfg(any(test, feature = "test-support"))]
mod contract_growing;
mod error;
mod free_space;
mod growing;
mod inline;
mod key;
mod local;
mod mark;
mod port;
pub mod private_file;
mod removal;
mod router;
mod s3;
mod url;

pub use self::url::{ParseStorageUrlError, StorageUrl};
pub use error::{SourceError, StorageError, WriteError};
pub use free_space::{DiskReading, FreeSpace, WatchedFolder};
pub use local::Local;
pub use mark::{Mark, Marking};
pub use port::{
    Appender, Appending, ByteStream, Entry, EntryStream, Flush, Growing, Range, SourceStream, Stat,
    Storage, Writer,
};
pub use removal::Removal;
pub use router::{Staged, StorageRouter, Taken};
pub use s3::{Checksums, S3, S3Location};
