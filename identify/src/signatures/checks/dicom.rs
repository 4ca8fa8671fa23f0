//! DICOM without its preamble, as devices once wrote it: elements that follow each other by their
//! tags (PS3.5, section 7).

use crate::finding::Finding;
use crate::numbers::{u16_be, u16_le, u32_be, u32_le};
use crate::window::Window;

/// So many elements in their order are no chance.
const ENOUGH: usize = 3;
/// Longer values don't stand at the beginning.
const LONGEST: u32 = 4096;

/// Kinds of values whose lengths have two bytes, and of those with four.
const SHORT: &[&[u8; 2]] = &[
    b"AE", b"AS", b"AT", b"CS", b"DA", b"DS", b"DT", b"FD", b"FL", b"IS", b"LO", b"LT", b"PN",
    b"SH", b"SL", b"SS", b"ST", b"TM", b"UI", b"UL", b"US",
];
const LONG: &[&[u8; 2]] = &[b"OB", b"OW", b"SQ", b"UN", b"UT"];

/// How numbers are written, and whether the kinds of values are.
#[derive(Clone, Copy)]
enum Syntax {
    Implicit,
    Little,
    Big,
}

/// What the elements are, if they are.
pub(super) fn elements(window: &Window) -> Option<Finding> {
    let syntaxes = [Syntax::Implicit, Syntax::Little, Syntax::Big];
    syntaxes
        .iter()
        .any(|syntax| follow(window.head(), *syntax).is_some())
        .then(|| Finding::likely("application/dicom"))
}

fn follow(head: &[u8], syntax: Syntax) -> Option<()> {
    let big = matches!(syntax, Syntax::Big);
    let short = if big { u16_be } else { u16_le };
    let long = if big { u32_be } else { u32_le };
    let (mut at, mut before) = (0, 0);
    for _ in 0..ENOUGH {
        let (group, element) = (short(head, at)?, short(head, at + 2)?);
        let tag = u32::from(group) << 16 | u32::from(element);
        if !matches!(group, 2 | 8) || tag <= before && at > 0 {
            return None;
        }
        before = tag;
        let kind = head.get(at + 4..at + 6)?;
        let (length, start) = match syntax {
            Syntax::Implicit => (long(head, at + 4)?, 8),
            _ if SHORT.iter().any(|known| *known == kind) => (u32::from(short(head, at + 6)?), 8),
            _ if LONG.iter().any(|known| *known == kind) => (long(head, at + 8)?, 12),
            _ => return None,
        };
        if length > LONGEST || length % 2 == 1 {
            return None;
        }
        at += start + length as usize;
    }
    Some(())
}
