//! CBOR without its mark (RFC 8949): nothing but well-formed items up to the very end.

use crate::finding::Finding;
use crate::window::Window;

const DEEPEST: usize = 64;

/// A map that is the whole file, and has text in it.
pub(super) fn map(window: &Window) -> Option<Finding> {
    let is_map = matches!(window.head(), [0xa1..=0xbb | 0xbf, ..]);
    let is_told = is_map && count(window).is_some_and(|(_, letters)| letters >= 3);
    is_told.then(|| Finding::likely("application/cbor"))
}

/// Whether a name may call the file CBOR: it is one list or map, or items of which some are text.
pub(in crate::signatures) fn is_well_formed(window: &Window) -> bool {
    let holds_items = matches!(window.head(), [0x81..=0xdf, ..]);
    count(window).is_some_and(|(items, letters)| letters >= 3 || items == 1 && holds_items)
}

/// How many items of CBOR the file is, and how many letters they have.
fn count(window: &Window) -> Option<(usize, usize)> {
    let head = window.head();
    if !window.is_whole() || head.len() < 8 {
        return None;
    }
    let mut items = Items {
        bytes: head,
        at: 0,
        letters: 0,
    };
    let mut count = 0;
    while items.at < head.len() {
        items.next(0).filter(|ends| !ends)?;
        count += 1;
    }
    Some((count, items.letters))
}

/// Items one after the other.
struct Items<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Letters of all texts so far.
    letters: usize,
}

impl Items<'_> {
    /// Steps over one item; `None` for what is none. True for the mark that ends a list.
    fn next(&mut self, depth: usize) -> Option<bool> {
        if depth > DEEPEST {
            return None;
        }
        let first = *self.bytes.get(self.at)?;
        self.at += 1;
        let (major, info) = (first >> 5, first & 0x1f);
        let argument = match info {
            0..=23 => Some(u64::from(info)),
            24..=27 => {
                let width = 1_usize << (info - 24);
                let bytes = self.bytes.get(self.at..self.at + width)?;
                self.at += width;
                Some(
                    bytes
                        .iter()
                        .fold(0, |sum, byte| sum << 8 | u64::from(*byte)),
                )
            }
            31 => None,
            _ => return None,
        };
        match (major, argument) {
            (0 | 1 | 7, Some(_)) => {}
            (2 | 3, Some(length)) => self.string(major == 3, length)?,
            (2..=5, None) => while !self.next(depth + 1)? {},
            (4, Some(count)) => self.list(count, depth)?,
            (5, Some(count)) => self.list(count.checked_mul(2)?, depth)?,
            (6, Some(_)) => return self.next(depth + 1),
            (7, None) => return Some(true),
            _ => return None,
        }
        Some(false)
    }

    fn string(&mut self, is_text: bool, length: u64) -> Option<()> {
        let end = self.at.checked_add(usize::try_from(length).ok()?)?;
        let bytes = self.bytes.get(self.at..end)?;
        if is_text {
            self.letters += std::str::from_utf8(bytes).ok()?.len();
        }
        self.at = end;
        Some(())
    }

    fn list(&mut self, count: u64, depth: usize) -> Option<()> {
        for _ in 0..count {
            if self.next(depth + 1)? {
                return None;
            }
        }
        Some(())
    }
}
