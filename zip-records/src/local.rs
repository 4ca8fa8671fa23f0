//! The header before the bytes of an entry.

use zip::unstable::LittleEndianReadExt as _;
use zip::unstable::format::blocks::ZipLocalEntryBlock;

use crate::end::ELSEWHERE;
use crate::extra::{WIDE_FIELD, field};

/// What such a header begins with.
pub const LOCAL: &[u8; 4] = b"PK\x03\x04";

/// The length of its fixed part.
pub const LOCAL_LENGTH: usize = 30;

/// How long the header is that `bytes` begin with, by its fixed part.
#[must_use]
pub fn local_length(bytes: &[u8]) -> Option<usize> {
    let block = ZipLocalEntryBlock::parse(&mut &bytes[..]).ok()?;
    let (name, extra) = (block.file_name_length, block.extra_field_length);
    Some(LOCAL_LENGTH + usize::from(name) + usize::from(extra))
}

/// The header before the bytes of an entry, as some archive has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Local<'a> {
    /// As the header has them.
    pub flags: u16,
    /// The number of the method by which the entry is packed.
    pub method: u16,
    /// The checksum of the entry, or nought where it comes later.
    pub crc32: u32,
    /// `None` if a Zip64 field was to say it, and doesn't.
    pub packed: Option<u64>,
    /// `None` if a Zip64 field was to say it, and doesn't.
    pub size: Option<u64>,
    /// As it is written.
    pub name: &'a [u8],
    /// How long the header is.
    pub length: usize,
}

impl<'a> Local<'a> {
    /// The header that `bytes` begin with; `None` if its name isn't all there.
    #[must_use]
    pub fn decode(bytes: &'a [u8]) -> Option<Self> {
        let block = ZipLocalEntryBlock::parse(&mut &bytes[..]).ok()?;
        let length = local_length(bytes)?;
        let name_end = LOCAL_LENGTH + usize::from(block.file_name_length);
        let name = bytes.get(LOCAL_LENGTH..name_end)?;
        let extra = bytes.get(name_end..length).unwrap_or_default();
        let mut wide = field(extra, WIDE_FIELD).unwrap_or_default();
        let mut wide_if = |value: u32| match value {
            ELSEWHERE => wide.read_u64_le().ok(),
            value => Some(u64::from(value)),
        };
        let (size, packed) = (
            wide_if(block.uncompressed_size),
            wide_if(block.compressed_size),
        );
        Some(Self {
            flags: block.flags,
            method: block.compression_method,
            crc32: block.crc32,
            packed,
            size,
            name,
            length,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_where_they_stand() {
        let mut header = LOCAL.to_vec();
        header.extend([45, 0, 8, 8, 8, 0, 0, 0, 0, 0, 1, 0, 0, 0]);
        header.extend([0xff; 8]);
        header.extend([4, 0, 20, 0]);
        header.extend(b"name\x01\0\x10\0");
        header.extend((1_u64 << 40).to_le_bytes());
        header.extend(7_u64.to_le_bytes());
        let found = Local::decode(&header).unwrap();
        assert_eq!((found.size, found.packed), (Some(1 << 40), Some(7)));
        assert_eq!((found.flags, found.method, found.crc32), (0x808, 8, 1));
        assert_eq!(
            (found.name, found.length),
            (b"name".as_slice(), header.len())
        );
        let cut = Local::decode(&header[..34]).unwrap();
        assert_eq!((cut.size, cut.length), (None, header.len()));
        assert_eq!(Local::decode(&header[..33]), None);
    }
}
