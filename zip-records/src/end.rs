//! The records at the end of an archive, which say where its directory is.

use zip::unstable::LittleEndianReadExt as _;
use zip::unstable::format::blocks::{Zip32CentralDirectoryEnd, Zip64CentralDirectoryEndLocator};

/// What the end record begins with.
pub const END: &[u8; 4] = b"PK\x05\x06";
/// What the end record of Zip64 begins with.
pub const WIDE_END: &[u8; 4] = b"PK\x06\x06";
/// What the record that says where the former is begins with.
pub const WIDE_LOCATOR: &[u8; 4] = b"PK\x06\x07";

/// The length of an end record without its comment.
pub const END_LENGTH: usize = 22;
/// The length of the end record of Zip64 without what may follow.
pub const WIDE_END_LENGTH: usize = 56;
/// The length of the record that says where the former is.
pub const WIDE_LOCATOR_LENGTH: usize = 20;

/// A number that is said elsewhere, in a record or a field of Zip64.
pub const ELSEWHERE: u32 = u32::MAX;
/// A number of 16 bits that is said elsewhere.
pub const ELSEWHERE_16: u16 = u16::MAX;

/// The end record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct End {
    /// This volume, and the one where the directory begins.
    pub volumes: (u16, u16),
    /// The entries on this volume, and all of them.
    pub entries: (u16, u16),
    /// The length of the directory.
    pub size: u32,
    /// Where the directory begins.
    pub start: u32,
    /// The length of the comment, which may not be there.
    pub comment: u16,
}

impl End {
    /// The record that `bytes` begin with, whether or not its comment is there.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let mut record: [u8; END_LENGTH] = *bytes.first_chunk()?;
        if !record.starts_with(END) {
            return None;
        }
        let comment = (&record[END_LENGTH - 2..]).read_u16_le().ok()?;
        record[END_LENGTH - 2..].fill(0);
        let end = Zip32CentralDirectoryEnd::parse(&mut &record[..]).ok()?;
        Some(Self {
            volumes: (end.disk_number, end.disk_with_central_directory),
            entries: (end.number_of_files_on_this_disk, end.number_of_files),
            size: end.central_directory_size,
            start: end.central_directory_offset,
            comment,
        })
    }
}

/// Where the end record of Zip64 is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WideLocator {
    /// The volume of that record.
    pub volume: u32,
    /// Its place.
    pub offset: u64,
    /// How many volumes there are.
    pub volumes: u32,
}

impl WideLocator {
    /// The record that `bytes` begin with.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let locator = Zip64CentralDirectoryEndLocator::parse(&mut &bytes[..]).ok()?;
        Some(Self {
            volume: locator.disk_with_central_directory,
            offset: locator.end_of_central_directory_offset,
            volumes: locator.number_of_disks,
        })
    }
}

/// The end record of Zip64.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WideEnd {
    /// How long it is, without its first twelve bytes.
    pub length: u64,
    /// This volume, and the one where the directory begins.
    pub volumes: (u32, u32),
    /// The entries on this volume, and all of them.
    pub entries: (u64, u64),
    /// The length of the directory.
    pub size: u64,
    /// Where the directory begins.
    pub start: u64,
}

impl WideEnd {
    /// The record that `bytes` begin with. It is the one that `zip` doesn't give to others.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let mut fields = bytes.strip_prefix(WIDE_END)?;
        let length = fields.read_u64_le().ok()?;
        let _versions = fields.read_u32_le().ok()?;
        let mut pair_of_volumes = || Some((fields.read_u32_le().ok()?, fields.read_u32_le().ok()?));
        let volumes = pair_of_volumes()?;
        let mut pair = || Some((fields.read_u64_le().ok()?, fields.read_u64_le().ok()?));
        let (entries, (size, start)) = (pair()?, pair()?);
        Some(Self {
            length,
            volumes,
            entries,
            size,
            start,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_read_without_its_comment() {
        let record = b"PK\x05\x06\x01\0\x02\0\x03\0\x04\0\x05\0\0\0\x06\0\0\0\xff\xff";
        let end = End {
            volumes: (1, 2),
            entries: (3, 4),
            size: 5,
            start: 6,
            comment: 0xffff,
        };
        assert_eq!(End::decode(record), Some(end));
        assert_eq!(End::decode(&record[..21]), None);
        assert_eq!(End::decode(&[0; 22]), None);
    }

    #[test]
    fn a_wide_end_and_its_locator_are_read() {
        let mut record = WIDE_END.to_vec();
        record.extend(44_u64.to_le_bytes());
        record.extend([0; 4]);
        record.extend(1_u32.to_le_bytes());
        record.extend(2_u32.to_le_bytes());
        for value in [3_u64, 4, 5, 6] {
            record.extend(value.to_le_bytes());
        }
        let wide = WideEnd {
            length: 44,
            volumes: (1, 2),
            entries: (3, 4),
            size: 5,
            start: 6,
        };
        assert_eq!(WideEnd::decode(&record), Some(wide));
        assert_eq!(WideEnd::decode(&record[..55]), None);

        let mut record = WIDE_LOCATOR.to_vec();
        record.extend([1, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0]);
        let locator = WideLocator {
            volume: 1,
            offset: 2,
            volumes: 3,
        };
        assert_eq!(WideLocator::decode(&record), Some(locator));
    }
}
