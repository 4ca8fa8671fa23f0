//! Storage of bytes: one port, an adapter for each kind of storage, and the router between places.

#[cfg(feature = "azure")]
mod azure;
#[cfg(any(test, feature = "test-support"))]
pub mod contract;
#[cfg(any(test, feature = "test-support"))]
mod contract_growing;
mod direct;
mod direct_port;
mod environment;
mod error;
mod free_space;
#[cfg(feature = "gcs")]
mod gcs;
mod growing;
mod hashing;
mod inline;
mod key;
mod local;
mod mark;
#[cfg(feature = "objects")]
mod parted;
mod port;
pub mod private_file;
mod refusal;
mod removal;
#[cfg(feature = "rest")]
#[cfg_attr(
    not(any(feature = "azure", feature = "gcs")),
    expect(dead_code, unused_imports, reason = "S3 alone needs a part of it")
)]
mod rest;
#[cfg(feature = "objects")]
mod resumed;
mod router;
#[cfg(feature = "s3")]
mod s3;
#[cfg(any(feature = "gcs", feature = "s3"))]
mod signed_text;
mod url;
mod url_error;
mod url_list;
#[cfg(feature = "objects")]
mod url_parts;

pub use self::url::StorageUrl;
#[cfg(feature = "azure")]
pub use azure::{Azure, AzureLocation};
pub use direct_port::{Direct, DirectUpload, Joined, Signed, SignedPart, WrittenPart};
pub use environment::Environment;
pub use error::{SourceError, StorageError, WriteError};
pub use free_space::{DiskReading, FreeSpace, WatchedFolder};
#[cfg(feature = "gcs")]
pub use gcs::{Gcs, GcsLocation};
pub use local::Local;
pub use mark::{Mark, Marking};
pub use port::{
    Appender, Appending, ByteStream, Entry, EntryStream, Flush, Growing, Presented, Range,
    SourceStream, Stat, Storage, Writer,
};
pub use refusal::Refusal;
pub use removal::Removal;
pub use router::{FindMoved, Staged, StorageRouter, Taken};
#[cfg(feature = "s3")]
pub use s3::{Checksums, S3, S3Location, WrittenObjects};
pub use url_error::ParseStorageUrlError;
pub use url_list::{ParseStorageUrlsError, StorageUrls};
