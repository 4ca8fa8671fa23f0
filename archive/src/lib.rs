//! ZIP archives as streams, for exports and imports: written in memory that
//! doesn't grow with what goes in, read without believing what they say. It
//! knows no database and no storage, and never touches a file.
//!
//! - [`Writer`] turns entries into the bytes of an archive, in order, without
//!   ever going back; [`Names`] finds safe and unique names for them.
//! - [`check`] reads the directory of an archive within [`Limits`] and judges it
//!   before anything in it is believed; [`EntryReader`] gives the bytes of one entry.
//!
//! The format is PKWARE's APPNOTE 6.3, with Zip64.

mod method;
mod moment;
mod names;
mod reader;
mod records;
mod writer;

pub use method::Method;
pub use names::Names;
pub use reader::{
    ArchiveError, Chunks, Contents, EntryError, EntryProblem, EntryReader, Extent, Limits, Listed,
    Source, SourceError, check,
};
pub use writer::{EntryHeader, OpenEntry, Packed, Writer, WrongLength};
