//! The entries of a ZIP, read within bounds: the central directory where it
//! holds, else the local headers from the start. Hostile counts, offsets and
//! sizes cost nothing but an answer that is less sure.

use std::collections::HashMap;
use std::io::{self, Read};

use zip::CompressionMethod;
use zip_records::{
    CENTRAL, CENTRAL_LENGTH, Decoder, ELSEWHERE, END, End, FLAG_ENCRYPTED, LOCAL_LENGTH,
    WIDE_END_LENGTH, WIDE_LOCATOR_LENGTH, WideEnd, WideLocator, local_length,
};

use super::entry::{Entry, MOST_ENTRIES, Packing, clean_name};
use super::locals;
use crate::window::Window;

const MOST_DIRECTORY_BYTES: usize = 384 * 1024;
/// What one entry may cost, compressed and inflated.
const MOST_PACKED: usize = 64 * 1024;
const MOST_INFLATED: u64 = 256 * 1024;
/// What the start of an entry may cost, compressed.
const MOST_PACKED_START: usize = 1024;

/// The entries, and whether the central directory vouches for them.
#[derive(Debug, Default)]
pub(super) struct Directory {
    pub(super) entries: Vec<Entry>,
    /// The last entry of each name, in lower case: packages are asked for thousands of parts.
    by_name: HashMap<String, usize>,
    /// No central directory was found: there may be entries that nobody sees.
    pub(super) is_cut: bool,
}

impl Directory {
    fn of(entries: Vec<Entry>, is_cut: bool) -> Self {
        let names = entries.iter().enumerate();
        Self {
            by_name: names
                .map(|(at, entry)| (entry.name.to_ascii_lowercase(), at))
                .collect(),
            entries,
            is_cut,
        }
    }

    /// Reads the directory of an archive that begins at offset 0.
    pub(super) fn read(window: &mut Window) -> io::Result<Self> {
        let central = Self::read_central(window)?;
        if central.entries.is_empty() {
            return Ok(Self::of(locals::entries(window.head()), true));
        }
        Ok(central)
    }

    /// Reads the central directory only; empty when there is none.
    pub(super) fn read_central(window: &mut Window) -> io::Result<Self> {
        let Some(place) = locate(window)? else {
            return Ok(Self::default());
        };
        let size = usize::try_from(place.size).unwrap_or(usize::MAX);
        if size <= MOST_DIRECTORY_BYTES {
            let bytes = window.read(place.start, size)?;
            return Ok(Self::of(central_entries(&bytes, place.shift), false));
        }
        // Too long to read: its beginning and its end, so that no telling
        // entry hides behind thousands that tell nothing.
        let half = MOST_DIRECTORY_BYTES / 2;
        let first = window.read(place.start, half)?;
        let last = window.read(place.start.saturating_add(place.size - half as u64), half)?;
        let resumed = crate::numbers::find(&last, CENTRAL).unwrap_or(last.len());
        let mut entries = central_entries(&first, place.shift);
        entries.extend(central_entries(&last[resumed..], place.shift));
        Ok(Self::of(entries, false))
    }

    /// The archive that this one is an entry of, when it begins at offset 0 and was cut short
    /// behind this one.
    pub(super) fn around(&self, window: &Window) -> Option<Self> {
        let first = self.entries.iter().map(|entry| entry.offset).min()?;
        if first == 0 {
            return None;
        }
        let entries = locals::entries(window.head());
        locals::is_within_entry(&entries, first).then(|| Self::of(entries, true))
    }

    /// The last entry of this name, which is the one that most readers use.
    pub(super) fn find(&self, name: &str) -> Option<&Entry> {
        let at = self.by_name.get(&name.to_ascii_lowercase())?;
        self.entries.get(*at)
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    pub(super) fn any(&self, fact: impl Fn(&str) -> bool) -> bool {
        self.entries.iter().any(|entry| fact(&entry.name))
    }

    /// The beginning of an entry's content; empty when it can't be had.
    pub(super) fn content(&self, window: &mut Window, name: &str) -> io::Result<Vec<u8>> {
        let Some(entry) = self.find(name) else {
            return Ok(Vec::new());
        };
        inflate(window, entry, MOST_PACKED, MOST_INFLATED)
    }

    /// The first bytes of an entry's content; fewer when they can't be had.
    pub(super) fn start(window: &mut Window, entry: &Entry, most: usize) -> io::Result<Vec<u8>> {
        let mut content = inflate(window, entry, MOST_PACKED_START, most as u64)?;
        content.truncate(most);
        Ok(content)
    }
}

struct Place {
    start: u64,
    size: u64,
    /// How far every offset is off, when something was put before the archive.
    shift: u64,
}

/// The end record nearest the end whose directory is really there.
fn locate(window: &mut Window) -> io::Result<Option<Place>> {
    let (tail_start, tail) = window.tail()?;
    let ends: Vec<_> = memchr::memmem::rfind_iter(tail, END)
        .filter_map(|at| Some((at, End::decode(&tail[at..])?)))
        .take(8)
        .collect();
    if ends.is_empty() {
        return Ok(None);
    }
    let tail = tail.to_vec();
    for (at, end) in ends {
        let (mut size, mut offset) = (u64::from(end.size), u64::from(end.start));
        let mut directory_end = tail_start + at as u64;
        if (end.size == ELSEWHERE || end.start == ELSEWHERE)
            && let Some((wide, wide_at)) = wide_end(window, &tail[..at])?
        {
            (size, offset, directory_end) = (wide.size, wide.start, wide_at);
        }
        let Some(start) = directory_end.checked_sub(size) else {
            continue;
        };
        for (start, shift) in [(start, start.wrapping_sub(offset)), (offset, 0)] {
            if window.read(start, 4)? == CENTRAL {
                return Ok(Some(Place {
                    start,
                    size: size.max(CENTRAL_LENGTH as u64),
                    shift,
                }));
            }
        }
    }
    Ok(None)
}

/// The ZIP64 end record that the bytes `before` the end record tell of, and its place.
fn wide_end(window: &mut Window, before: &[u8]) -> io::Result<Option<(WideEnd, u64)>> {
    let Some(locator) = before
        .last_chunk::<WIDE_LOCATOR_LENGTH>()
        .and_then(|record| WideLocator::decode(record))
    else {
        return Ok(None);
    };
    let record = window.read(locator.offset, WIDE_END_LENGTH)?;
    Ok(WideEnd::decode(&record).map(|end| (end, locator.offset)))
}

fn central_entries(mut bytes: &[u8], shift: u64) -> Vec<Entry> {
    let mut decoder = Decoder::new();
    let mut entries = Vec::new();
    while entries.len() < MOST_ENTRIES
        && let Some(record) = decoder.decode(bytes)
    {
        let entry = record.entry();
        entries.push(Entry {
            name: clean_name(record.name),
            encrypted: record.flags & FLAG_ENCRYPTED != 0,
            packing: match entry.compression() {
                CompressionMethod::Stored => Packing::Stored,
                CompressionMethod::Deflated => Packing::Deflated,
                _ => Packing::Unknown,
            },
            packed: entry.compressed_size(),
            offset: entry.header_start().wrapping_add(shift),
        });
        bytes = bytes.get(record.length..).unwrap_or_default();
    }
    entries
}

fn inflate(
    window: &mut Window,
    entry: &Entry,
    most_packed: usize,
    most: u64,
) -> io::Result<Vec<u8>> {
    let header = window.read(entry.offset, LOCAL_LENGTH)?;
    let Some(header) = local_length(&header).filter(|_| !entry.encrypted) else {
        return Ok(Vec::new());
    };
    let packed = window.read(
        entry.offset.saturating_add(header as u64),
        usize::try_from(entry.packed)
            .unwrap_or(usize::MAX)
            .min(most_packed),
    )?;
    let mut content = Vec::new();
    match entry.packing {
        Packing::Stored => content = packed,
        Packing::Deflated => {
            // What was inflated before an error still tells what it is.
            let _partial = flate2::read::DeflateDecoder::new(packed.as_slice())
                .take(most)
                .read_to_end(&mut content);
        }
        Packing::Unknown => {}
    }
    Ok(content)
}
