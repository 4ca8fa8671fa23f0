//! A signature: bytes at a known place, and the type that they mean.

use crate::finding::Finding;

/// Bytes at a place, perhaps with more bytes at another place.
#[derive(Debug, Clone, Copy)]
pub(super) struct Signature {
    pub(super) offset: usize,
    pub(super) mark: &'static [u8],
    pub(super) also: &'static [(usize, &'static [u8])],
    pub(super) media_type: &'static str,
}

/// A mark at the very beginning.
pub(super) const fn start(mark: &'static [u8], media_type: &'static str) -> Signature {
    at(0, mark, media_type)
}

/// A mark at an offset in bytes.
pub(super) const fn at(offset: usize, mark: &'static [u8], media_type: &'static str) -> Signature {
    Signature {
        offset,
        mark,
        also: &[],
        media_type,
    }
}

impl Signature {
    /// Adds marks at further offsets, all of which must be there too.
    pub(super) const fn also(mut self, also: &'static [(usize, &'static [u8])]) -> Self {
        self.also = also;
        self
    }

    pub(super) fn matches(&self, head: &[u8]) -> bool {
        present(head, self.offset, self.mark)
            && self
                .also
                .iter()
                .all(|(offset, mark)| present(head, *offset, mark))
    }

    /// Whether prose could show this mark.
    pub(super) fn is_printable(&self) -> bool {
        let printable = |mark: &[u8]| {
            mark.iter()
                .all(|byte| matches!(byte, b' '..=b'~' | b'\r' | b'\n' | b'\t'))
        };
        printable(self.mark) && self.also.iter().all(|(_, mark)| printable(mark))
    }

    pub(super) fn finding(&self) -> Finding {
        let bytes = self.mark.len() + self.also.iter().map(|(_, mark)| mark.len()).sum::<usize>();
        if bytes >= 4 {
            Finding::certain(self.media_type)
        } else {
            Finding::likely(self.media_type)
        }
    }
}

fn present(head: &[u8], offset: usize, mark: &[u8]) -> bool {
    head.get(offset..)
        .is_some_and(|rest| rest.starts_with(mark))
}
