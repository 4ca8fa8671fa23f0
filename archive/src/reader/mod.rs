//! Archives that others made: nothing in them is believed before it was checked.

mod contents;
mod directory;
mod end;
mod entry;
mod error;
mod judge;
mod limits;
mod overlap;
mod source;

pub use contents::{Contents, Extent, Listed};
pub use directory::check;
pub use entry::EntryReader;
pub use error::{ArchiveError, EntryError, EntryProblem};
pub use limits::Limits;
pub use source::{Chunks, Source, SourceError};
