//! The entries of a ZIP by its local headers, for archives that are cut short: from the start,
//! past padding, and never into the bytes of an entry, which may be an archive themselves.

use zip_records::{FLAG_ENCRYPTED, FLAG_STREAMED, Local};

use super::entry::{Entry, MOST_ENTRIES, Packing, clean_name};
use crate::numbers::{find, u32_le};

/// The mark of a local header.
const LOCAL: &[u8] = b"PK\x03\x04";
/// The record behind an entry whose sizes weren't known before it: a mark, which may be missing,
/// a checksum and two sizes.
const DESCRIPTOR_LENGTH: usize = 16;
/// Longer paths are hardly ever written, so such a header is none.
const LONGEST_NAME: usize = 1024;

/// The entries that the local headers in the head describe. What cannot be stepped over ends the
/// walk: the rest would be guesses.
pub(super) fn entries(head: &[u8]) -> Vec<Entry> {
    let mut entries = Vec::new();
    let mut at = 0;
    while entries.len() < MOST_ENTRIES
        && let Some(start) = next_header(head, at)
        && let Some(header) = Local::decode(&head[start..])
    {
        let data = start + header.length;
        let rest = head.get(data..).unwrap_or_default();
        let packed = header.packed.unwrap_or(0);
        let (size, behind) = if header.flags & FLAG_STREAMED != 0 && packed == 0 {
            streamed(rest)
        } else {
            (usize::try_from(packed).unwrap_or(usize::MAX), 0)
        };
        entries.push(Entry {
            name: clean_name(header.name),
            encrypted: header.flags & FLAG_ENCRYPTED != 0,
            packing: Packing::of(header.method),
            packed: size as u64,
            offset: start as u64,
        });
        at = data.saturating_add(size).saturating_add(behind);
    }
    entries
}

/// Whether an offset lies within the data of one of the entries.
pub(super) fn is_within_entry(entries: &[Entry], offset: u64) -> bool {
    entries
        .iter()
        .any(|entry| offset > entry.offset && offset <= entry.offset + 1024 + entry.packed)
}

/// The next header at `at` or behind the padding that begins there.
fn next_header(head: &[u8], at: usize) -> Option<usize> {
    let mut from = at;
    loop {
        let found = from + find(head.get(from..)?, LOCAL)?;
        if is_plausible(&head[found..]) {
            return Some(found);
        }
        from = found + LOCAL.len();
    }
}

/// Whether the fields of a header have values that they can have.
fn is_plausible(header: &[u8]) -> bool {
    let Some(Local { method, name, .. }) = Local::decode(header) else {
        return false;
    };
    matches!(method, 0..=10 | 12 | 14 | 16..=20 | 93..=99)
        && (1..=LONGEST_NAME).contains(&name.len())
        && name.iter().all(|byte| *byte >= 0x20)
}

/// How long a streamed entry is, and the record behind it. The record, with its mark or without,
/// says how long the entry was, so no other mark within the data is taken for it.
fn streamed(data: &[u8]) -> (usize, usize) {
    let says =
        |at: usize, length: usize| u32_le(data, at).is_some_and(|packed| packed as usize == length);
    let mut from = 0;
    while let Some(found) = data.get(from..).and_then(|rest| find(rest, b"PK")) {
        let at = from + found;
        match data.get(at + 2..at + 4) {
            Some([7, 8]) if says(at + 8, at) => return (at, DESCRIPTOR_LENGTH),
            Some([1, 2] | [3, 4]) => {
                if let Some(end) = at.checked_sub(DESCRIPTOR_LENGTH - 4)
                    && says(end + 4, end)
                {
                    return (end, DESCRIPTOR_LENGTH - 4);
                }
            }
            _ => {}
        }
        from = at + 2;
    }
    (data.len(), 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(name: &str, flags: u8, content: &[u8]) -> Vec<u8> {
        let streamed = flags & 8 != 0;
        let size = u32::try_from(content.len()).unwrap();
        let written = if streamed { 0 } else { size };
        let mut bytes = b"PK\x03\x04\x14\0".to_vec();
        bytes.extend([flags, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        bytes.extend(written.to_le_bytes());
        bytes.extend(written.to_le_bytes());
        bytes.extend(u16::try_from(name.len()).unwrap().to_le_bytes());
        bytes.extend([0, 0]);
        bytes.extend(name.as_bytes());
        bytes.extend(content);
        if streamed {
            bytes.extend(b"PK\x07\x08\0\0\0\0");
            bytes.extend(size.to_le_bytes());
            bytes.extend(size.to_le_bytes());
        }
        bytes
    }

    fn names(archive: &[u8]) -> Vec<String> {
        entries(archive)
            .into_iter()
            .map(|entry| entry.name)
            .collect()
    }

    #[test]
    fn padding_between_entries_is_stepped_over() {
        let archive = [header("a", 0, b"1"), vec![0; 4000], header("b", 0, b"2")].concat();
        assert_eq!(names(&archive), ["a", "b"]);
    }

    #[test]
    fn a_streamed_archive_within_the_archive_is_not_entered() {
        let nested = [header("word/document.xml", 8, b"<x/>"), header("n", 0, b"")].concat();
        for flags in [0, 8] {
            let archive = [header("inner.docx", flags, &nested), header("b", 8, b"2")].concat();
            assert_eq!(names(&archive), ["inner.docx", "b"]);
            let cut = &archive[..archive.len() - 40];
            assert_eq!(names(cut)[0], "inner.docx");
            assert!(!names(cut).contains(&"word/document.xml".to_owned()));
        }
    }

    #[test]
    fn a_streamed_entry_may_have_a_record_without_a_mark() {
        let mut first = header("a", 8, b"12345");
        let record = first.len() - 16;
        first.drain(record..record + 4);
        assert_eq!(names(&[first, header("b", 0, b"2")].concat()), ["a", "b"]);
    }

    #[test]
    fn thousands_of_marks_cost_one_walk() {
        let marks = b"PK\x03\x04".repeat(60_000);
        assert!(entries(&[header("a", 8, b"x"), marks].concat()).len() <= 2);
    }
}
