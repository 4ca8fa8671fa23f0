//! Archives that others made: nothing in them is believed before it was checked.

mod directory;
mod end;
mod entry;
mod error;
mod judge;
mod overlap;
mod source;

pub use directory::{Contents, Extent, Limits, Listed, check};
pub use entry::EntryReader;
pub use error::{ArchiveError, EntryError, EntryProblem};
pub use source::{Chunks, Source, SourceError};
