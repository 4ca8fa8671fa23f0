//! The view the layers have of a source: its head at hand, the rest by ranged
//! reads out of one budget, so that no document costs more than a mebibyte, nor
//! more than a few dozen reads.

use std::io;

use crate::source::Source;

/// How much of the beginning is read at once.
pub(crate) const HEAD_BYTES: usize = 256 * 1024;
/// How much of the end is read when a layer asks for it: a ZIP's end record
/// hides within 65,557 bytes of it.
const TAIL_BYTES: usize = 66 * 1024;
/// What all further reads may cost together.
const BUDGET_BYTES: usize = 640 * 1024;
/// What each of them costs at least. It bounds how many there are, and what lies side by side is
/// read at once: each read may be a request to a storage service.
const LEAST_BYTES: usize = 16 * 1024;

/// A source's head, its tail on demand, and a budget for what lies between.
pub(crate) struct Window<'a> {
    source: &'a mut dyn Source,
    length: u64,
    head: Vec<u8>,
    tail: Option<Vec<u8>>,
    /// What further reads brought, and the offsets it begins at.
    parts: Vec<(u64, Vec<u8>)>,
    budget: usize,
}

impl<'a> Window<'a> {
    pub(crate) fn open(source: &'a mut dyn Source) -> io::Result<Self> {
        let length = source.len();
        let head = source.read_at(0, HEAD_BYTES)?;
        Ok(Self {
            source,
            length,
            head,
            tail: None,
            parts: Vec::new(),
            budget: BUDGET_BYTES,
        })
    }

    /// The document's length; never less than what was read of it.
    pub(crate) fn len(&self) -> u64 {
        self.length.max(self.head.len() as u64)
    }

    /// The first [`HEAD_BYTES`], or all there is.
    pub(crate) fn head(&self) -> &[u8] {
        &self.head
    }

    /// Whether the head is the whole document.
    pub(crate) fn is_whole(&self) -> bool {
        self.len() == self.head.len() as u64
    }

    /// The last bytes and the offset they begin at.
    pub(crate) fn tail(&mut self) -> io::Result<(u64, &[u8])> {
        if self.is_whole() {
            let start = self.head.len().saturating_sub(TAIL_BYTES);
            return Ok((start as u64, &self.head[start..]));
        }
        let start = self.len().saturating_sub(TAIL_BYTES as u64);
        if self.tail.is_none() {
            self.tail = Some(self.source.read_at(start, TAIL_BYTES)?);
        }
        Ok((start, self.tail.as_deref().unwrap_or_default()))
    }

    /// Up to `length` bytes from `offset`: out of what was read before where that
    /// holds them, else by a read that the budget may cut short.
    pub(crate) fn read(&mut self, offset: u64, length: usize) -> io::Result<Vec<u8>> {
        let left = self.len().saturating_sub(offset);
        let length = usize::try_from(left).map_or(length, |left| left.min(length));
        if length == 0 {
            return Ok(Vec::new());
        }
        if let Some(found) = self.held(offset, length) {
            return Ok(found.to_vec());
        }
        let allowed = length.max(LEAST_BYTES).min(self.budget);
        if allowed == 0 {
            return Ok(Vec::new());
        }
        self.budget -= allowed;
        let mut part = self.source.read_at(offset, allowed)?;
        part.truncate(allowed);
        let found = part[..part.len().min(length)].to_vec();
        self.parts.push((offset, part));
        Ok(found)
    }

    /// These bytes, if all of them were read before.
    fn held(&self, offset: u64, length: usize) -> Option<&[u8]> {
        let within = |start: u64, bytes: &[u8]| -> Option<(usize, usize)> {
            let from = usize::try_from(offset.checked_sub(start)?).ok()?;
            let to = from.checked_add(length)?;
            (to <= bytes.len()).then_some((from, to))
        };
        let tail_start = self.len().saturating_sub(TAIL_BYTES as u64);
        let tail = self.tail.as_deref().map(|tail| (tail_start, tail));
        let parts = self
            .parts
            .iter()
            .map(|(start, part)| (*start, part.as_slice()));
        std::iter::once((0, self.head.as_slice()))
            .chain(tail)
            .chain(parts)
            .find_map(|(start, bytes)| within(start, bytes).map(|(from, to)| &bytes[from..to]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Counting {
        read: usize,
        reads: usize,
    }

    impl Source for Counting {
        fn len(&self) -> u64 {
            1 << 40
        }

        fn read_at(&mut self, _: u64, length: usize) -> io::Result<Vec<u8>> {
            self.read += length;
            self.reads += 1;
            Ok(vec![0; length])
        }
    }

    #[test]
    fn all_reads_together_are_few_and_stay_within_a_mebibyte() {
        for length in [1, 4, 512, 50_000] {
            let mut source = Counting::default();
            let mut window = Window::open(&mut source).unwrap();
            window.tail().unwrap();
            for place in 0..1000 {
                window.read((1 << 30) + place * 100_000, length).unwrap();
            }
            assert!(
                source.read <= 1024 * 1024 && source.reads <= 42,
                "{} bytes in {} reads",
                source.read,
                source.reads
            );
        }
    }

    #[test]
    fn what_lies_side_by_side_is_read_once() {
        let mut source = Counting::default();
        let mut window = Window::open(&mut source).unwrap();
        for sector in 0..32 {
            let bytes = window.read((1 << 30) + sector * 512, 512).unwrap();
            assert_eq!(bytes.len(), 512);
        }
        assert_eq!(source.reads, 2);
    }

    #[test]
    fn a_read_is_short_only_at_the_end() {
        let whole: Vec<u8> = (0..=u8::MAX).cycle().take(400_000).collect();
        let mut source = whole.as_slice();
        let mut window = Window::open(&mut source).unwrap();
        for (offset, length) in [
            (0, 10),
            (262_140, 8),
            (300_000, 20_000),
            (399_990, 50),
            (400_000, 1),
        ] {
            let found = window.read(offset as u64, length).unwrap();
            assert_eq!(found, whole[offset..(offset + length).min(whole.len())]);
        }
    }
}
