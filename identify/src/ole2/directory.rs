//! The directory of a compound file, followed sector by sector within bounds;
//! loops and lying offsets end the walk, nothing else.

use std::io;

use crate::numbers::{u16_le, u32_le, u64_le};
use crate::window::Window;

/// The first bytes of every compound file.
pub(crate) const MAGIC: &[u8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1";

const MOST_SECTORS: usize = 64;
const HEADER_SECTORS: usize = 109;
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
        let mut seen = Vec::new();
        while sector < END_OF_CHAIN && seen.len() < MOST_SECTORS && !seen.contains(&sector) {
            seen.push(sector);
            let bytes = window.read(
                place(sector, sector_bytes),
                usize::try_from(sector_bytes).unwrap_or(512),
            )?;
            if bytes.len() < 128 {
                break;
            }
            entries.extend(bytes.as_chunks::<128>().0.iter().filter_map(entry));
            sector = next(window, &header, sector, sector_bytes)?;
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

fn place(sector: u32, sector_bytes: u64) -> u64 {
    (u64::from(sector) + 1) * sector_bytes
}

/// The sector that follows in its chain, by way of the allocation table.
fn next(window: &mut Window, header: &[u8], sector: u32, sector_bytes: u64) -> io::Result<u32> {
    let per_sector = sector_bytes / 4;
    let table = usize::try_from(u64::from(sector) / per_sector).unwrap_or(usize::MAX);
    if table >= HEADER_SECTORS {
        return Ok(END_OF_CHAIN);
    }
    let Some(table_sector) = u32_le(header, 76 + table * 4) else {
        return Ok(END_OF_CHAIN);
    };
    let offset = place(table_sector, sector_bytes) + u64::from(sector) % per_sector * 4;
    let bytes = window.read(offset, 4)?;
    // A table that was cut off still leaves the common case: sectors in a row.
    Ok(u32_le(&bytes, 0).unwrap_or(END_OF_CHAIN))
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
