//! What is wrong with an archive as a whole, or with one of its entries.

use super::source::SourceError;

/// An archive that is not read at all.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// It has no end record, or an end that doesn't fit what is before it.
    #[error("it is not a ZIP archive, or it is cut short")]
    NotAnArchive,
    /// It is one volume of several.
    #[error("it is a part of a split archive")]
    Split,
    /// Its records contradict each other.
    #[error("its directory is not what it says: {0}")]
    Inconsistent(&'static str),
    /// Two entries share bytes.
    #[error("its entries overlap")]
    Overlap,
    /// It has more entries than are allowed.
    #[error("it has {found} entries, more than {most}")]
    TooManyEntries {
        /// As it says.
        found: u64,
        /// The limit.
        most: u64,
    },
    /// Its directory or its contents are larger than is allowed.
    #[error("it unpacks to more bytes than are allowed")]
    TooLarge,
    /// Its contents are so many times as large as they are packed that it must be a bomb.
    #[error("it unpacks to more than {most} times its size")]
    TooDense {
        /// The limit.
        most: u64,
    },
    /// Its bytes could not be had.
    #[error("its bytes could not be read")]
    Source(#[source] SourceError),
}

/// Why an entry is refused, known from the directory alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EntryProblem {
    /// Its name leads out of the folder, is absolute, or shows something else than it is.
    UnsafeName,
    /// It is a symbolic link or another thing that is no file.
    NotAFile,
    /// It is encrypted.
    Encrypted,
    /// It is packed by a method that isn't known.
    UnknownMethod,
    /// Another entry has the name, or one that some file systems take for the same.
    Duplicate,
    /// What the directory says of it can't be true.
    Broken,
}

/// An entry whose bytes can't be had.
#[derive(Debug, thiserror::Error)]
pub enum EntryError {
    /// They are not what the directory says.
    #[error("the entry is broken: {0}")]
    Broken(&'static str),
    /// They could not be read.
    #[error("the bytes of the entry could not be read")]
    Source(#[source] SourceError),
}
