//! The view the layers have of a source: its head at hand, the rest by ranged
//! reads out of one budget, so that no document costs more than a mebibyte.

use std::io;

use crate::source::Source;

/// How much of the beginning is read at once.
pub(crate) const HEAD_BYTES: usize = 256 * 1024;
/// How much of the end is read when a layer asks for it: a ZIP's end record
/// hides within 65,557 bytes of it.
const TAIL_BYTES: usize = 66 * 1024;
/// What all further reads may cost together.
const BUDGET_BYTES: usize = 640 * 1024;

/// A source's head, its tail on demand, and a budget for what lies between.
pub(crate) struct Window<'a> {
    source: &'a mut dyn Source,
    length: u64,
    head: Vec<u8>,
    tail: Option<Vec<u8>>,
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

    /// Up to `length` bytes from `offset`: from the head or tail where they
    /// hold them, else by a read that the budget may cut short.
    pub(crate) fn read(&mut self, offset: u64, length: usize) -> io::Result<Vec<u8>> {
        if offset >= self.len() {
            return Ok(Vec::new());
        }
        let within = |bytes: &[u8], start: u64| -> Option<Vec<u8>> {
            let from = usize::try_from(offset.checked_sub(start)?).ok()?;
            let to = from.checked_add(length)?;
            bytes.get(from..to).map(<[u8]>::to_vec)
        };
        if let Some(found) = within(&self.head, 0) {
            return Ok(found);
        }
        if self.is_whole() {
            let from = usize::try_from(offset)
                .unwrap_or(usize::MAX)
                .min(self.head.len());
            return Ok(self.head[from..].to_vec());
        }
        if let Some(tail) = &self.tail
            && let Some(found) = within(tail, self.len().saturating_sub(TAIL_BYTES as u64))
        {
            return Ok(found);
        }
        let allowed = length.min(self.budget);
        if allowed == 0 {
            return Ok(Vec::new());
        }
        self.budget -= allowed;
        let mut bytes = self.source.read_at(offset, allowed)?;
        bytes.truncate(allowed);
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Counting {
        read: usize,
    }

    impl Source for Counting {
        fn len(&self) -> u64 {
            1 << 40
        }

        fn read_at(&mut self, _: u64, length: usize) -> io::Result<Vec<u8>> {
            self.read += length;
            Ok(vec![0; length])
        }
    }

    #[test]
    fn all_reads_together_stay_within_a_mebibyte() {
        let mut source = Counting { read: 0 };
        let mut window = Window::open(&mut source).unwrap();
        window.tail().unwrap();
        for offset in 0..100 {
            window.read((1 << 30) + offset, 50_000).unwrap();
        }
        assert!(
            source.read <= 1024 * 1024,
            "{} bytes were read",
            source.read
        );
    }
}
