//! What a name may call bytes of which nothing is known: formats whose headers chance rarely
//! shows, but not rarely enough to be believed without a name.

use super::checks;
use crate::numbers::{u16_le, u32_le};
use crate::window::Window;

/// A type, and what the bytes must show for a name to claim it.
type Claim = (&'static str, fn(&Window) -> bool);

const CLAIMS: &[Claim] = &[
    ("image/x-tga", |window| is_targa(window.head())),
    ("application/x-lzma", |window| is_lzma(window.head())),
    ("application/cbor", checks::is_well_formed),
    ("application/x-onnx", is_network),
    ("application/x-protobuf", |window| fields(window) >= 2),
    ("application/vnd.hp-pcl", |window| {
        matches!(
            window.head(),
            [0x1b, b'E' | b'%' | b'&' | b'*' | b'(' | b')', ..]
        )
    }),
];

/// The types that a name may claim.
pub(crate) fn claimable(window: &Window) -> Vec<&'static str> {
    let shown = CLAIMS.iter().filter(|(_, shows)| shows(window));
    let tagged = window.head().starts_with(b"ID3");
    let sound = if tagged { checks::TAGGED } else { &[] };
    shown
        .map(|(media_type, _)| *media_type)
        .chain(sound.iter().copied())
        .collect()
}

/// Kinds of images and maps that there are, and a size.
fn is_targa(head: &[u8]) -> bool {
    let [_, map, kind, ..] = head else {
        return false;
    };
    let size = u16_le(head, 12).is_none_or(|width| width > 0);
    let plain = *map == 0 && matches!(kind, 2 | 3 | 10 | 11) && head.get(3..8) == Some(&[0; 5]);
    let mapped = *map == 1 && matches!(kind, 1 | 9);
    let depth = head
        .get(16)
        .is_none_or(|depth| matches!(depth, 8 | 15 | 16 | 24 | 32));
    (plain || mapped) && size && depth
}

/// Properties below 225, a dictionary that encoders make, a size, and the coder's first byte.
fn is_lzma(head: &[u8]) -> bool {
    let Some(dictionary) = u32_le(head, 1) else {
        return false;
    };
    let is_made = (12..=31).any(|bit| dictionary == 1 << bit || dictionary == 3 << (bit - 1));
    let sized = head
        .get(5..13)
        .is_some_and(|size| *size == [0xff; 8] || size[5..] == [0; 3]);
    head[0] < 225 && is_made && sized && head.get(13) == Some(&0)
}

/// A version of the format, then the name of what wrote it.
fn is_network(window: &Window) -> bool {
    matches!(
        window.head(),
        [0x08, 1..=20, 0x12 | 0x1a | 0x22 | 0x3a | 0x42, ..]
    ) && fields(window) >= 2
}

/// How many fields of Protocol Buffers follow each other from the start; none if what follows
/// the last is no field.
fn fields(window: &Window) -> usize {
    let head = window.head();
    let (mut at, mut count) = (0, 0);
    while at < head.len() && count < 64 {
        let Some((key, value)) = varint(head, at) else {
            return 0;
        };
        let length = match key & 7 {
            0 => varint(head, value).map(|(_, end)| end - value),
            1 => Some(8),
            2 => varint(head, value)
                .and_then(|(length, end)| usize::try_from(length).ok()?.checked_add(end - value)),
            5 => Some(4),
            _ => None,
        };
        let (Some(length), 1..=512) = (length, key >> 3) else {
            return 0;
        };
        let Some(end) = value.checked_add(length) else {
            return 0;
        };
        if end as u64 > window.len() {
            return 0;
        }
        (at, count) = (end, count + 1);
    }
    count
}

/// A number of up to ten bytes of seven bits, and where it ends.
fn varint(bytes: &[u8], start: usize) -> Option<(u64, usize)> {
    let mut number = 0_u64;
    for (count, byte) in bytes.get(start..)?.iter().take(10).enumerate() {
        number |= u64::from(byte & 0x7f).checked_shl(u32::try_from(count * 7).ok()?)?;
        if byte & 0x80 == 0 {
            return Some((number, start + count + 1));
        }
    }
    None
}
