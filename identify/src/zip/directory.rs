//! The entries of a ZIP, read by hand within bounds: the central directory
//! where it holds, else the local headers from the start. Hostile counts,
//! offsets and sizes cost nothing but an answer that is less sure.

use std::io::{self, Read};

use crate::numbers::{u16_le, u32_le, u64_le};
use crate::window::Window;

/// More entries than this say no more about the type.
const MOST_ENTRIES: usize = 8192;
const MOST_DIRECTORY_BYTES: usize = 384 * 1024;
/// What one entry may cost, compressed and inflated.
const MOST_PACKED: usize = 64 * 1024;
const MOST_INFLATED: u64 = 256 * 1024;

const END: &[u8] = b"PK\x05\x06";
const CENTRAL: &[u8] = b"PK\x01\x02";
const LOCAL: &[u8] = b"PK\x03\x04";

/// One entry as the directory describes it.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) encrypted: bool,
    method: u16,
    packed: u64,
    offset: u64,
}

impl Entry {
    pub(super) const fn is_stored(&self) -> bool {
        self.method == 0
    }
}

/// The entries, and whether the central directory vouches for them.
#[derive(Debug, Default)]
pub(super) struct Directory {
    pub(super) entries: Vec<Entry>,
}

impl Directory {
    /// Reads the directory of an archive that begins at offset 0.
    pub(super) fn read(window: &mut Window) -> io::Result<Self> {
        let central = Self::read_central(window)?;
        if central.entries.is_empty() {
            return Ok(Self {
                entries: local_entries(window.head()),
            });
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
            return Ok(Self {
                entries: central_entries(&bytes, place.shift),
            });
        }
        // Too long to read: its beginning and its end, so that no telling
        // entry hides behind thousands that tell nothing.
        let half = MOST_DIRECTORY_BYTES / 2;
        let first = window.read(place.start, half)?;
        let last = window.read(place.start.saturating_add(place.size - half as u64), half)?;
        let resumed = crate::numbers::find(&last, CENTRAL).unwrap_or(last.len());
        let mut entries = central_entries(&first, place.shift);
        entries.extend(central_entries(&last[resumed..], place.shift));
        Ok(Self { entries })
    }

    /// The last entry of this name, which is the one that most readers use.
    pub(super) fn find(&self, name: &str) -> Option<&Entry> {
        self.entries
            .iter()
            .rev()
            .find(|entry| entry.name.eq_ignore_ascii_case(name))
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
        inflate(window, entry)
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
    let tail = tail.to_vec();
    let mut candidates = 0;
    for at in (0..tail.len().saturating_sub(21)).rev() {
        if !tail[at..].starts_with(END) {
            continue;
        }
        candidates += 1;
        if candidates > 8 {
            break;
        }
        let end_offset = tail_start + at as u64;
        let (Some(size), Some(offset)) = (u32_le(&tail, at + 12), u32_le(&tail, at + 16)) else {
            continue;
        };
        let (mut size, mut offset, mut directory_end) =
            (u64::from(size), u64::from(offset), end_offset);
        if (size == u64::from(u32::MAX) || offset == u64::from(u32::MAX))
            && let Some(wide) = wide_end(window, &tail, at)?
        {
            (size, offset, directory_end) = wide;
        }
        let Some(start) = directory_end.checked_sub(size) else {
            continue;
        };
        for (start, shift) in [(start, start.wrapping_sub(offset)), (offset, 0)] {
            if window.read(start, 4)? == CENTRAL {
                return Ok(Some(Place {
                    start,
                    size: size.max(46),
                    shift,
                }));
            }
        }
    }
    Ok(None)
}

/// Size, offset and end of the directory as a ZIP64 end record has them.
fn wide_end(window: &mut Window, tail: &[u8], end: usize) -> io::Result<Option<(u64, u64, u64)>> {
    let Some(locator) = end.checked_sub(20) else {
        return Ok(None);
    };
    if !tail[locator..].starts_with(b"PK\x06\x07") {
        return Ok(None);
    }
    let Some(record_offset) = u64_le(tail, locator + 8) else {
        return Ok(None);
    };
    let record = window.read(record_offset, 56)?;
    if !record.starts_with(b"PK\x06\x06") {
        return Ok(None);
    }
    Ok(u64_le(&record, 40)
        .zip(u64_le(&record, 48))
        .map(|(size, offset)| (size, offset, record_offset)))
}

fn central_entries(bytes: &[u8], shift: u64) -> Vec<Entry> {
    let mut entries = Vec::new();
    let mut at = 0;
    while entries.len() < MOST_ENTRIES
        && bytes
            .get(at..)
            .is_some_and(|rest| rest.starts_with(CENTRAL))
    {
        let header = &bytes[at..];
        let (Some(name_length), Some(extra), Some(comment), Some(offset)) = (
            u16_le(header, 28),
            u16_le(header, 30),
            u16_le(header, 32),
            u32_le(header, 42),
        ) else {
            break;
        };
        let name_end = 46 + usize::from(name_length);
        let Some(name) = header.get(46..name_end) else {
            break;
        };
        entries.push(Entry {
            name: clean_name(name),
            encrypted: u16_le(header, 8).unwrap_or(0) & 1 != 0,
            method: u16_le(header, 10).unwrap_or(0),
            packed: u64::from(u32_le(header, 20).unwrap_or(0)),
            offset: u64::from(offset).wrapping_add(shift),
        });
        at += name_end + usize::from(extra) + usize::from(comment);
    }
    entries
}

/// The entries that the local headers in the head describe, for archives cut
/// short. Sizes that come only after the data are found by the next header.
fn local_entries(head: &[u8]) -> Vec<Entry> {
    let mut entries = Vec::new();
    let mut at = 0;
    while entries.len() < MOST_ENTRIES && head.get(at..).is_some_and(|rest| rest.starts_with(LOCAL))
    {
        let header = &head[at..];
        let (Some(flags), Some(method), Some(packed), Some(name_length), Some(extra)) = (
            u16_le(header, 6),
            u16_le(header, 8),
            u32_le(header, 18),
            u16_le(header, 26),
            u16_le(header, 28),
        ) else {
            break;
        };
        let name_end = 30 + usize::from(name_length);
        let Some(name) = header.get(30..name_end) else {
            break;
        };
        let data = at + name_end + usize::from(extra);
        let size = if flags & 8 != 0 && packed == 0 {
            head.get(data..).map_or(0, next_header)
        } else {
            packed as usize
        };
        entries.push(Entry {
            name: clean_name(name),
            encrypted: flags & 1 != 0,
            method,
            packed: size as u64,
            offset: at as u64,
        });
        at = data.saturating_add(size);
        if flags & 8 != 0
            && head
                .get(at..)
                .is_some_and(|rest| rest.starts_with(b"PK\x07\x08"))
        {
            at += 16;
        }
    }
    entries
}

fn next_header(bytes: &[u8]) -> usize {
    let is_header = |at: &usize| {
        bytes[*at..].starts_with(b"PK")
            && matches!(
                bytes.get(at + 2..at + 4),
                Some([1, 2] | [3, 4] | [5, 6] | [7, 8])
            )
    };
    (0..bytes.len()).find(is_header).unwrap_or(bytes.len())
}

fn clean_name(name: &[u8]) -> String {
    String::from_utf8_lossy(name)
        .replace('\\', "/")
        .trim_start_matches('/')
        .to_owned()
}

fn inflate(window: &mut Window, entry: &Entry) -> io::Result<Vec<u8>> {
    let header = window.read(entry.offset, 30)?;
    let (Some(name), Some(extra)) = (u16_le(&header, 26), u16_le(&header, 28)) else {
        return Ok(Vec::new());
    };
    if !header.starts_with(LOCAL) || entry.encrypted {
        return Ok(Vec::new());
    }
    let data = entry
        .offset
        .saturating_add(30 + u64::from(name) + u64::from(extra));
    let packed = window.read(
        data,
        usize::try_from(entry.packed)
            .unwrap_or(usize::MAX)
            .min(MOST_PACKED),
    )?;
    let mut content = Vec::new();
    match entry.method {
        0 => content = packed,
        8 => {
            // What was inflated before an error still tells what it is.
            let _partial = flate2::read::DeflateDecoder::new(packed.as_slice())
                .take(MOST_INFLATED)
                .read_to_end(&mut content);
        }
        _ => {}
    }
    Ok(content)
}
