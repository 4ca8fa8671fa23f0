//! Where bytes are kept: one port, an adapter for each kind of storage, and the places in use.

mod error;
mod port;

pub use error::{StorageError, WriteError};
pub use port::{ByteStream, Entry, EntryStream, Range, SourceError, SourceStream, Stat, Storage};
