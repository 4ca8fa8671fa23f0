//! The contents of an archive, as its directory lists them: its entries, and where their bytes are.

use zip_records::LOCAL_LENGTH;

use super::error::EntryProblem;
use crate::method::Method;

/// Where the bytes of an entry are, and what they must be: all that is needed to read
/// them, so that the directory doesn't have to be read again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// Where its header is.
    pub offset: u64,
    /// Where the next entry begins, or the directory.
    pub limit: u64,
    /// How many bytes it takes.
    pub packed: u64,
    /// How many there are.
    pub size: u64,
    /// Their checksum.
    pub crc32: u32,
    /// How they are packed.
    pub method: Method,
    /// The checksum of its name as it is written.
    pub name_crc32: u32,
    /// The length of its name as it is written.
    pub name_length: u16,
}

impl Extent {
    /// Where it ends at the earliest.
    pub(super) fn least_end(&self) -> Option<u64> {
        self.offset
            .checked_add(LOCAL_LENGTH as u64 + u64::from(self.name_length))?
            .checked_add(self.packed)
    }
}

/// An entry of a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its path, as far as it is text; the beginning of it if it isn't taken.
    pub path: String,
    /// Whether it is a folder.
    pub is_folder: bool,
    /// Where its bytes are.
    pub extent: Extent,
    /// Why it isn't taken, if it isn't.
    pub problem: Option<EntryProblem>,
}

/// What an archive holds, by its directory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contents {
    /// In the directory's order.
    pub entries: Vec<Listed>,
}
