//! Formats told by bytes at known places: one table per kind, matched in
//! order, so that the longer mark stands before the shorter.

mod archives;
mod audio;
mod checks;
mod data;
mod documents;
mod images;
mod programs;
mod textual;
mod video;

use crate::finding::Finding;
use crate::window::Window;

/// Bytes at a place, perhaps with more bytes at another place.
#[derive(Debug, Clone, Copy)]
struct Signature {
    offset: usize,
    mark: &'static [u8],
    also: &'static [(usize, &'static [u8])],
    media_type: &'static str,
}

const fn start(mark: &'static [u8], media_type: &'static str) -> Signature {
    at(0, mark, media_type)
}

const fn at(offset: usize, mark: &'static [u8], media_type: &'static str) -> Signature {
    Signature {
        offset,
        mark,
        also: &[],
        media_type,
    }
}

impl Signature {
    const fn also(mut self, also: &'static [(usize, &'static [u8])]) -> Self {
        self.also = also;
        self
    }

    fn matches(&self, head: &[u8]) -> bool {
        present(head, self.offset, self.mark)
            && self
                .also
                .iter()
                .all(|(offset, mark)| present(head, *offset, mark))
    }

    /// Whether prose could show this mark.
    fn is_printable(&self) -> bool {
        let printable = |mark: &[u8]| {
            mark.iter()
                .all(|byte| matches!(byte, b' '..=b'~' | b'\r' | b'\n' | b'\t'))
        };
        printable(self.mark) && self.also.iter().all(|(_, mark)| printable(mark))
    }

    fn finding(&self) -> Finding {
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

const BINARY: &[&[Signature]] = &[
    documents::SIGNATURES,
    images::SIGNATURES,
    archives::SIGNATURES,
    audio::SIGNATURES,
    video::SIGNATURES,
    programs::SIGNATURES,
    data::SIGNATURES,
];

/// What the content's marks say. `is_text` tells that all of it reads as
/// text: a mark of printable letters then counts only for formats that are
/// text themselves, or when it is all there is.
pub(crate) fn judge(window: &Window, is_text: bool) -> Option<Finding> {
    let head = window.head();
    if let Some(found) = textual::judge(head) {
        return Some(found);
    }
    if !is_text && let Some(found) = checks::judge_before_offsets(window) {
        return Some(found);
    }
    let strong = BINARY
        .iter()
        .flat_map(|table| table.iter())
        .find(|signature| {
            signature.matches(head)
                && (!is_text || !signature.is_printable() || head.len() <= signature.mark.len())
        });
    strong
        .map(Signature::finding)
        .or_else(|| if is_text { None } else { checks::judge(window) })
}

/// Weaker marks, for what nothing else knew.
pub(crate) fn judge_weak(window: &Window) -> Option<Finding> {
    checks::judge_weak(window)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::aliases;

    #[test]
    fn every_signature_answers_with_its_own_canonical_type_when_made_up() {
        let mut shadowed = Vec::new();
        for signature in BINARY.iter().flat_map(|table| table.iter()) {
            let mut head = vec![0_u8; 64 * 1024];
            for (offset, mark) in
                std::iter::once(&(signature.offset, signature.mark)).chain(signature.also)
            {
                head[*offset..*offset + mark.len()].copy_from_slice(mark);
            }
            let mut source = head.as_slice();
            let window = Window::open(&mut source).unwrap();
            let found = judge(&window, false).unwrap();
            if !aliases::same(found.media_type, signature.media_type) {
                shadowed.push((signature.media_type, found.media_type));
            }
        }
        assert!(
            shadowed.is_empty(),
            "shadowed by what stands before: {shadowed:#?}"
        );
    }
}
