//! A record of the central directory: one entry, as the directory describes it.

use std::borrow::Cow;
use std::io::Cursor;

use zip::HasZipMetadata as _;
use zip::read::{ArchiveOffset, Config, ZipFileEntry};
use zip::unstable::LittleEndianReadExt as _;
use zip::unstable::format::blocks::ZipCentralEntryBlock;
use zip::unstable::read::ZipIterable;

use crate::end::{ELSEWHERE, ELSEWHERE_16, END};
use crate::extra::{UNICODE_PATH_FIELD, WIDE_FIELD, field};
use crate::flags::FLAG_UTF8;

/// What such a record begins with.
pub const CENTRAL: &[u8; 4] = b"PK\x01\x02";

/// The length of its fixed part.
pub const CENTRAL_LENGTH: usize = 46;

/// Where the lengths of its extra fields and of its comment stand.
const EXTRA_LENGTH_AT: usize = 30;
const COMMENT_LENGTH_AT: usize = 32;

/// How long the record is that `bytes` begin with, by its fixed part.
#[must_use]
pub fn central_length(bytes: &[u8]) -> Option<usize> {
    let block = ZipCentralEntryBlock::parse(&mut &bytes[..]).ok()?;
    let (name, extra) = (block.file_name_length, block.extra_field_length);
    let comment = block.file_comment_length;
    Some(CENTRAL_LENGTH + usize::from(name) + usize::from(extra) + usize::from(comment))
}

/// An entry as the directory describes it.
#[derive(Debug)]
pub struct Central<'a> {
    /// As the record has them.
    pub flags: u16,
    /// The number of the volume where the entry is.
    pub volume: u32,
    /// The name as it is written, in whatever encoding.
    pub name: &'a [u8],
    /// Whether all that the record says in 64 bits could be read.
    pub is_complete: bool,
    /// How long the record is, if all of it is there.
    pub length: usize,
    entry: ZipFileEntry<'static>,
}

impl Central<'_> {
    /// What `zip` made of it: sizes, offset, method, attributes.
    #[must_use]
    pub const fn entry(&self) -> &ZipFileEntry<'static> {
        &self.entry
    }

    /// The path as text: the one in Unicode that stands beside an older one, UTF-8, or the first
    /// PC's character set. `None` where it is said to be UTF-8, and isn't.
    #[must_use]
    pub fn path(&self) -> Option<Cow<'_, str>> {
        let written = self.entry.name_raw();
        let is_utf8 = self.flags & FLAG_UTF8 != 0;
        if is_utf8 && std::str::from_utf8(written).is_err() {
            return None;
        }
        self.entry.name().ok()
    }
}

/// Decodes records. It holds a directory of one record, which `zip` reads again for each.
#[derive(Debug)]
pub struct Decoder(ZipIterable<Cursor<Vec<u8>>>);

impl Default for Decoder {
    fn default() -> Self {
        Self::new()
    }
}

impl Decoder {
    /// A decoder for any number of records.
    #[must_use]
    #[expect(clippy::missing_panics_doc, reason = "the archive is always the same")]
    pub fn new() -> Self {
        let mut archive = CENTRAL.to_vec();
        archive.resize(CENTRAL_LENGTH, 0);
        archive.extend(END);
        // One entry in a directory that begins at 0.
        archive.extend([0, 0, 0, 0, 1, 0, 1, 0, 46, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        let config = Config {
            archive_offset: ArchiveOffset::Known(0),
        };
        let archive = ZipIterable::try_new(Cursor::new(archive), config);
        Self(archive.expect("an archive of one empty record is one"))
    }

    /// The record that `bytes` begin with; `None` if it isn't one, or not up to the end of its
    /// name. Of its extra fields those two are read that say more of what it says itself. Others
    /// say nothing, nor do those that are cut or that `zip` can't read.
    pub fn decode<'a>(&mut self, bytes: &'a [u8]) -> Option<Central<'a>> {
        let block = ZipCentralEntryBlock::parse(&mut &bytes[..]).ok()?;
        let name_end = CENTRAL_LENGTH + usize::from(block.file_name_length);
        let extra_end = name_end + usize::from(block.extra_field_length);
        let named = bytes.get(..name_end)?;
        let extra = bytes.get(name_end..extra_end).unwrap_or_default();
        let wide = field(extra, WIDE_FIELD);
        let path = field(extra, UNICODE_PATH_FIELD);
        let entry = [(wide, path), (wide, None), (None, None)]
            .into_iter()
            .find_map(|(wide, path)| self.entry(named, wide, path))?;

        let sizes = [block.uncompressed_size, block.compressed_size, block.offset];
        let elsewhere = sizes.iter().filter(|size| **size == ELSEWHERE).count();
        let sizes_known = elsewhere == 0 || entry.get_metadata().large_file;
        let volume = match block.disk_number {
            ELSEWHERE_16 => wide.and_then(|wide| wide.get(8 * elsewhere..)?.read_u32_le().ok()),
            volume => Some(u32::from(volume)),
        };
        Some(Central {
            flags: block.flags,
            volume: volume.unwrap_or(0),
            name: &named[CENTRAL_LENGTH..],
            is_complete: sizes_known && volume.is_some(),
            length: extra_end + usize::from(block.file_comment_length),
            entry,
        })
    }

    /// What `zip` makes of a record with these extra fields and no comment.
    fn entry(
        &mut self,
        named: &[u8],
        wide: Option<&[u8]>,
        path: Option<&[u8]>,
    ) -> Option<ZipFileEntry<'static>> {
        let files = self.0.files().ok()?;
        let record = files.reader_mut().get_mut();
        record.clear();
        record.extend_from_slice(named);
        for (id, content) in [(WIDE_FIELD, wide), (UNICODE_PATH_FIELD, path)] {
            let Some(content) = content else { continue };
            record.extend(id.to_le_bytes());
            record.extend(u16::try_from(content.len()).ok()?.to_le_bytes());
            record.extend_from_slice(content);
        }
        let extra = u16::try_from(record.len() - named.len()).ok()?;
        record[EXTRA_LENGTH_AT..COMMENT_LENGTH_AT].copy_from_slice(&extra.to_le_bytes());
        record[COMMENT_LENGTH_AT..COMMENT_LENGTH_AT + 2].fill(0);
        files.next()?.ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(name: &[u8], extra: &[u8], sizes: [u32; 3], volume: u16) -> Vec<u8> {
        let mut out = CENTRAL.to_vec();
        out.extend([0; 16]);
        out.extend(sizes[1].to_le_bytes());
        out.extend(sizes[0].to_le_bytes());
        out.extend(u16::try_from(name.len()).unwrap().to_le_bytes());
        out.extend(u16::try_from(extra.len()).unwrap().to_le_bytes());
        out.extend([3, 0]);
        out.extend(volume.to_le_bytes());
        out.extend([0; 6]);
        out.extend(sizes[2].to_le_bytes());
        out.extend(name);
        out.extend(extra);
        out.extend(b"???");
        out
    }

    fn wide(values: &[u64], volume: Option<u32>) -> Vec<u8> {
        let mut content: Vec<u8> = values
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect();
        content.extend(volume.into_iter().flat_map(u32::to_le_bytes));
        let length = u16::try_from(content.len()).unwrap();
        [&[1, 0], length.to_le_bytes().as_slice(), &content].concat()
    }

    #[test]
    fn records_are_decoded_one_after_the_other() {
        let mut decoder = Decoder::new();
        let bytes = [
            record(b"first", &[], [7, 5, 100], 0),
            record(b"second", &[], [8, 6, 200], 2),
        ]
        .concat();
        let length = central_length(&bytes).unwrap();
        let first = decoder.decode(&bytes).unwrap();
        assert_eq!((first.name, first.volume), (b"first".as_slice(), 0));
        let second = decoder.decode(&bytes[length..]).unwrap();
        assert_eq!((second.name, second.volume), (b"second".as_slice(), 2));
        let entry = second.entry();
        assert_eq!(
            (entry.size(), entry.compressed_size(), entry.header_start()),
            (8, 6, 200)
        );
        let name_end = length - b"???".len();
        for cut in 0..name_end {
            assert!(decoder.decode(&bytes[..cut]).is_none(), "{cut}");
        }
        let cut = decoder.decode(&bytes[..name_end]).unwrap();
        assert_eq!((cut.name, cut.length), (b"first".as_slice(), length));
    }

    #[test]
    fn what_is_said_in_64_bits_is_read_or_missed() {
        let mut decoder = Decoder::new();
        let all = [ELSEWHERE; 3];
        let extra = wide(&[1 << 40, 1 << 39, 1 << 38], Some(9));
        let bytes = record(b"a", &extra, all, ELSEWHERE_16);
        let found = decoder.decode(&bytes).unwrap();
        let entry = found.entry();
        assert_eq!(
            (entry.size(), entry.compressed_size(), entry.header_start()),
            (1 << 40, 1 << 39, 1 << 38)
        );
        assert_eq!((found.volume, found.is_complete), (9, true));

        let exact = wide(&[u64::from(ELSEWHERE)], None);
        let bytes = record(b"a", &exact, [ELSEWHERE, 1, 2], 0);
        let found = decoder.decode(&bytes).unwrap();
        assert!(found.is_complete && found.entry().size() == u64::from(ELSEWHERE));

        for (extra, volume) in [
            (Vec::new(), 0),
            (wide(&[1, 2], None), 0),
            (wide(&[1, 2, 3], None), ELSEWHERE_16),
        ] {
            let bytes = record(b"a", &extra, all, volume);
            assert!(!decoder.decode(&bytes).unwrap().is_complete, "{extra:?}");
        }
    }

    #[test]
    fn extra_fields_that_are_broken_hide_nothing() {
        let mut decoder = Decoder::new();
        // A moment without one, a path without one, and a field that is longer than the record.
        for extra in [
            b"UT\0\0".as_slice(),
            b"up\x01\0x",
            b"\x99\x99\xff\xffx",
            b"\x01",
        ] {
            let bytes = record(b"a.txt", extra, [1, 1, 0], 0);
            let found = decoder.decode(&bytes).unwrap();
            assert_eq!(found.path().as_deref(), Some("a.txt"));
            assert!(found.is_complete && found.entry().size() == 1);
        }
        let extra = [b"up\x01\0x".as_slice(), &wide(&[7], None)].concat();
        let bytes = record(b"a.txt", &extra, [ELSEWHERE, 1, 0], 0);
        let found = decoder.decode(&bytes).unwrap();
        assert!(found.is_complete && found.entry().size() == 7);
    }

    #[test]
    fn a_name_is_text_in_one_of_three_ways() {
        let mut decoder = Decoder::new();
        let old = record(b"gr\x81\xe1e\xff", &[], [0; 3], 0);
        let found = decoder.decode(&old).unwrap();
        assert_eq!(found.path().as_deref(), Some("grüße\u{a0}"));
        let mut not_utf8 = record(b"\xff", &[], [0; 3], 0);
        not_utf8[9] = 8;
        assert_eq!(decoder.decode(&not_utf8).unwrap().path(), None);
    }
}
