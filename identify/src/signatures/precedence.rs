//! The order in which textual marks, checks and signatures are tried, and which of them count for
//! text.

use super::signature::Signature;
use super::tables::BINARY;
use super::{checks, textual};
use crate::finding::Finding;
use crate::window::Window;

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
