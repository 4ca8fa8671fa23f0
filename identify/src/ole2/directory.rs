//! The directory of a compound file, followed sector by sector within bounds;
//! loops and lying offsets end the walk, nothing else.

use std::collections::BTreeSet;
use std::io;

use crate::numbers::{u16_le, u32_le, u64_le};
use crate::window::Window;

/// The first bytes of every compound file.
pub(crate) const MAGIC: &[u8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1";

const MOST_DIRECTORY_BYTES: usize = 256 * 1024;
/// Sectors of the allocation table that the header names; the others are named in sectors of
/// their own, each of which names the next ([MS-CFB] 2.5).
const HEADER_SECTORS: usize = 109;
/// How many of those are followed: enough for 140 mebibytes in sectors of 512 bytes.
const MOST_TABLE_SECTORS: usize = 16;
const END_OF_CHAIN: u32 = 0xffff_fffa;

/// One storage or stream.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) is_root: bool,
    pub(super) class: [u8; 16],
    start: u32,
    size: u64,
}

/// The directory, with what is needed to read a stream's beginning.
#[derive(Debug)]
pub(super) struct Directory {
    pub(super) entries: Vec<Entry>,
    sector_bytes: u64,
}

impl Directory {
    pub(super) fn read(window: &mut Window) -> io::Result<Option<Self>> {
        let header = window.read(0, 512)?;
        let (Some(shift), Some(first)) = (u16_le(&header, 30), u32_le(&header, 48)) else {
            return Ok(None);
        };
        let sector_bytes: u64 = if shift == 12 { 4096 } else { 512 };
        let mut entries = Vec::new();
        let mut sector = first;
        let mut seen = BTreeSet::new();
        let mut tables = Tables::new(&header, sector_bytes);
        let most = MOST_DIRECTORY_BYTES / usize::try_from(sector_bytes).unwrap_or(512);
        while sector < END_OF_CHAIN && seen.len() < most && seen.insert(sector) {
            let bytes = window.read(
                place(sector, sector_bytes),
                usize::try_from(sector_bytes).unwrap_or(512),
            )?;
            if bytes.len() < 128 {
                break;
            }
            entries.extend(bytes.as_chunks::<128>().0.iter().filter_map(entry));
            sector = tables.next(window, sector)?;
        }
        Ok(Some(Self {
            entries,
            sector_bytes,
        }))
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.entries
            .iter()
            .any(|entry| entry.name.eq_ignore_ascii_case(name))
    }

    /// Whether a name begins so, whatever its case: names are compared so ([MS-CFB] 2.6.4).
    pub(super) fn any_begins(&self, start: &str) -> bool {
        self.any(|name| begins(name, start))
    }

    pub(super) fn any(&self, fact: impl Fn(&str) -> bool) -> bool {
        self.entries.iter().any(|entry| fact(&entry.name))
    }

    pub(super) fn root_class(&self) -> Option<&[u8; 16]> {
        self.entries
            .iter()
            .find(|entry| entry.is_root)
            .map(|entry| &entry.class)
    }

    /// The beginning of a stream that is large enough to have its own sectors.
    pub(super) fn beginning(&self, window: &mut Window, name: &str) -> io::Result<Vec<u8>> {
        let Some(entry) = self
            .entries
            .iter()
            .find(|entry| entry.name.eq_ignore_ascii_case(name) && entry.size >= 4096)
        else {
            return Ok(Vec::new());
        };
        window.read(
            place(entry.start, self.sector_bytes),
            usize::try_from(self.sector_bytes).unwrap_or(512),
        )
    }
}

fn begins(name: &str, start: &str) -> bool {
    name.get(..start.len())
        .is_some_and(|begin| begin.eq_ignore_ascii_case(start))
}

fn place(sector: u32, sector_bytes: u64) -> u64 {
    (u64::from(sector) + 1) * sector_bytes
}

/// Where the sectors of the allocation table are: those that the header names, and as many of the
/// others as were asked for.
struct Tables {
    sectors: Vec<u32>,
    /// The sector that names the next ones.
    further: u32,
    followed: usize,
    sector_bytes: u64,
}

impl Tables {
    fn new(header: &[u8], sector_bytes: u64) -> Self {
        let named = header.get(76..).unwrap_or_default().as_chunks::<4>().0;
        Self {
            sectors: named
                .iter()
                .take(HEADER_SECTORS)
                .map(|four| u32::from_le_bytes(*four))
                .collect(),
            further: u32_le(header, 68).unwrap_or(END_OF_CHAIN),
            followed: 0,
            sector_bytes,
        }
    }

    /// The sector that follows in its chain; the end where the table doesn't tell.
    fn next(&mut self, window: &mut Window, sector: u32) -> io::Result<u32> {
        let per_sector = self.sector_bytes / 4;
        let table = usize::try_from(u64::from(sector) / per_sector).unwrap_or(usize::MAX);
        while table >= self.sectors.len() && self.follow(window)? {}
        let Some(table_sector) = self.sectors.get(table) else {
            return Ok(END_OF_CHAIN);
        };
        let offset = place(*table_sector, self.sector_bytes) + u64::from(sector) % per_sector * 4;
        let bytes = window.read(offset, 4)?;
        Ok(u32_le(&bytes, 0).unwrap_or(END_OF_CHAIN))
    }

    /// Reads the next sector that names others; false when there is none.
    fn follow(&mut self, window: &mut Window) -> io::Result<bool> {
        if self.further >= END_OF_CHAIN || self.followed == MOST_TABLE_SECTORS {
            return Ok(false);
        }
        self.followed += 1;
        let length = usize::try_from(self.sector_bytes).unwrap_or(512);
        let bytes = window.read(place(self.further, self.sector_bytes), length)?;
        let (named, _) = bytes.as_chunks::<4>();
        let Some((further, named)) = named.split_last() else {
            return Ok(false);
        };
        self.sectors
            .extend(named.iter().map(|four| u32::from_le_bytes(*four)));
        self.further = u32::from_le_bytes(*further);
        Ok(bytes.len() == length)
    }
}

fn entry(record: &[u8; 128]) -> Option<Entry> {
    let kind = record[66];
    let name_bytes = usize::from(u16_le(record, 64)?);
    if !matches!(kind, 1 | 2 | 5) || !(2..=64).contains(&name_bytes) {
        return None;
    }
    let units = record[..name_bytes - 2]
        .as_chunks::<2>()
        .0
        .iter()
        .map(|pair| u16::from_le_bytes(*pair));
    let name = char::decode_utf16(units)
        .map(|unit| unit.unwrap_or('\u{fffd}'))
        .collect();
    let class = record[80..96].try_into().ok()?;
    Some(Entry {
        name,
        is_root: kind == 5,
        class,
        start: u32_le(record, 116)?,
        size: u64_le(record, 120)? & 0xffff_ffff,
    })
}
