//! Tables, records, keys and documents: fields that must agree.

use crate::finding::Finding;
use crate::numbers::{find, u16_be, u16_le, u32_be, u32_le};
use crate::window::Window;

pub(super) fn arrow_stream(window: &Window) -> Option<Finding> {
    let head = window.head();
    let length = u32_le(head, 4)?;
    (head.starts_with(&[0xff; 4])
        && (16..0x10_0000).contains(&length)
        && length.is_multiple_of(8)
        && u32_le(head, 8)? == 16)
        .then(|| Finding::likely("application/vnd.apache.arrow.stream"))
}

/// dBASE: a version, a date, sizes that agree, and field names up to 0x0d.
pub(super) fn dbase(window: &Window) -> Option<Finding> {
    let head = window.head();
    let version = *head.first()?;
    if !matches!(
        version,
        0x02 | 0x03
            | 0x04
            | 0x05
            | 0x30
            | 0x31
            | 0x32
            | 0x43
            | 0x63
            | 0x7b
            | 0x83
            | 0x8b
            | 0x8c
            | 0x8e
            | 0xcb
            | 0xe5
            | 0xf5
            | 0xfb
    ) {
        return None;
    }
    let (month, day) = (*head.get(2)?, *head.get(3)?);
    let (header, record) = (usize::from(u16_le(head, 8)?), u16_le(head, 10)?);
    let dated = (month <= 12 && day <= 31) || version == 0x02;
    let whole = version == 0x02 || header >= 65 && (header - 1) % 32 <= 8;
    let first_name = head.get(32..43)?;
    let kind = head.get(43)?;
    let named =
        first_name[0].is_ascii_alphanumeric() || first_name[0] == b'_' || first_name[0] >= 0x80;
    let ended = head
        .get(header.checked_sub(1)?)
        .is_none_or(|end| *end == 0x0d)
        || head.get(32..header)?.contains(&0x0d);
    let typed = b"CNDLMFBGPYTIVXQWO0@+".contains(kind);
    (dated && whole && header >= 65 && record > 0 && named && typed && ended)
        .then(|| Finding::certain("application/x-dbf"))
}

/// MARC 21: five digits of length and a directory that ends in 0x1e.
pub(super) fn marc(window: &Window) -> Option<Finding> {
    let head = window.head();
    let leader = head.get(..24)?;
    let digits = |range: std::ops::Range<usize>| leader[range].iter().all(u8::is_ascii_digit);
    let shaped =
        digits(0..5) && digits(12..17) && leader[10..12] == *b"22" && leader[20..22] == *b"45";
    (shaped && head.contains(&0x1e)).then(|| Finding::certain("application/marc"))
}

/// A first packet of a PGP message or key whose version is one there is.
pub(super) fn pgp_packets(window: &Window) -> Option<Finding> {
    let head = window.head();
    let first = *head.first()?;
    if first & 0x80 == 0 {
        return None;
    }
    let (tag, body, length) = if first & 0x40 != 0 {
        let (header, length) = match *head.get(1)? {
            short @ 0..=191 => (2, u64::from(short)),
            long @ 192..=223 => (
                3,
                ((u64::from(long) - 192) << 8) + u64::from(*head.get(2)?) + 192,
            ),
            255 => (6, u64::from(u32_be(head, 2)?)),
            _ => (2, 0),
        };
        (first & 0x3f, header, length)
    } else {
        let (header, length) = match first & 3 {
            0 => (2, u64::from(*head.get(1)?)),
            1 => (3, u64::from(u16_be(head, 1)?)),
            2 => (5, u64::from(u32_be(head, 1)?)),
            _ => (1, 0),
        };
        ((first >> 2) & 0xf, header, length)
    };
    if length > window.len() {
        return None;
    }
    let version = *head.get(body)?;
    let second = head
        .get(body + usize::try_from(length).ok()?)
        .copied()
        .unwrap_or(0x80);
    let algorithm = |at: usize| {
        head.get(body + at)
            .is_some_and(|byte| matches!(byte, 1..=3 | 16..=20 | 22 | 25..=28))
    };
    match (tag, version) {
        (1, 3) if second & 0x80 != 0 && length > 20 && algorithm(9) => {
            Some(Finding::certain("application/pgp-encrypted").encrypted_if(true))
        }
        (3, 4..=6) if second & 0x80 != 0 && matches!(length, 4..=64) => {
            Some(Finding::likely("application/pgp-encrypted").encrypted_if(true))
        }
        (5 | 6, 3 | 4 | 6)
            if second & 0x80 != 0 && length > 40 && (algorithm(5) || algorithm(7)) =>
        {
            Some(Finding::certain("application/pgp-keys"))
        }
        (2, 3 | 4 | 6) if second & 0x80 != 0 && length > 20 && algorithm(2) => {
            Some(Finding::likely("application/pgp-signature"))
        }
        _ => None,
    }
}

pub(super) fn stata(window: &Window) -> Option<Finding> {
    let head = window.head();
    let [release @ (105 | 108 | 110..=115), order @ (1 | 2), 1, 0, ..] = head else {
        return None;
    };
    let variables = if *order == 1 {
        u16_be(head, 4)?
    } else {
        u16_le(head, 4)?
    };
    (variables > 0 && *release > 0).then(|| Finding::likely("application/x-stata-dta"))
}

/// Readers accept a PDF header within the first 1024 bytes.
pub(super) fn pdf_after_garbage(window: &Window) -> Option<Finding> {
    let head = window.head();
    let start = &head[..head.len().min(1032)];
    let at = find(start, b"%PDF-")?;
    head.get(at + 5)
        .filter(|digit| matches!(digit, b'1' | b'2'))?;
    Some(Finding::likely("application/pdf"))
}

/// Text of mainframes: letters, digits and blanks of EBCDIC and little else.
pub(super) fn ebcdic(window: &Window) -> Option<Finding> {
    let head = &window.head()[..window.head().len().min(4096)];
    let printable = |byte: &u8| matches!(byte, 0x40 | 0x15 | 0x25 | 0x0d | 0x05 | 0x4a..=0x50 | 0x5a..=0x61 | 0x6b..=0x6f | 0x7a..=0x7f | 0x81..=0x89 | 0x91..=0x99 | 0xa2..=0xa9 | 0xc1..=0xc9 | 0xd1..=0xd9 | 0xe2..=0xe9 | 0xf0..=0xf9);
    // As many as make it none are found soon in other bytes.
    let strange = head.iter().filter(|byte| !printable(byte));
    let is_known = strange.take(head.len() / 50 + 1).count() * 50 <= head.len();
    let blanks = || memchr::memchr_iter(0x40, head).count();
    (head.len() >= 40 && is_known && blanks() * 20 >= head.len())
        .then(|| Finding::guess("text/plain"))
}

/// The index of shapes: the same header, then records of eight bytes, of which the first begins
/// right behind the header of the shapes (ESRI, July 1998).
pub(super) fn shape_index(window: &Window) -> Option<Finding> {
    let head = window.head();
    (head.starts_with(b"\0\0\x27\x0a") && u32_be(head, 100) == Some(50))
        .then(|| Finding::certain("application/vnd.shx"))
}

/// TeX font metrics: twelve lengths, of which the first is the sum of the others.
pub(super) fn font_metrics(window: &Window) -> Option<Finding> {
    let head = window.head();
    let length = |index: usize| u16_be(head, index * 2).map(u64::from);
    let (whole, header, first, last) = (length(0)?, length(1)?, length(2)?, length(3)?);
    let tables = (4..12).try_fold(0, |sum, index| length(index).map(|length| sum + length))?;
    let characters = (last + 1).checked_sub(first)?;
    (whole * 4 == window.len()
        && header >= 2
        && last <= 255
        && whole == 6 + header + characters + tables)
        .then(|| Finding::certain("application/x-tex-tfm"))
}

/// MATLAB before its version 5: a kind of at most four digits, sizes, and a name.
pub(super) fn old_matrix(window: &Window) -> Option<Finding> {
    let head = window.head();
    let field = |at: usize| u32_le(head, at);
    let (kind, rows, columns) = (field(0)?, field(4)?, field(8)?);
    let (imaginary, name) = (field(12)?, usize::try_from(field(16)?).ok()?);
    let digits = kind < 5000 && kind / 100 % 10 == 0 && kind / 10 % 10 <= 5 && kind % 10 <= 2;
    let named = (2..=64).contains(&name) && {
        let text = head.get(20..20 + name)?;
        text.ends_with(b"\0")
            && text[0].is_ascii_alphabetic()
            && text[..name - 1]
                .iter()
                .all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
    };
    (digits && imaginary <= 1 && rows > 0 && columns > 0 && named)
        .then(|| Finding::certain("application/x-matlab-data"))
}

/// ARC: a mark, a method, and a name of eight letters and three that ends in zero.
pub(super) fn arc(window: &Window) -> Option<Finding> {
    let [0x1a, 1..=11, name @ ..] = window.head() else {
        return None;
    };
    let name = name.get(..13)?;
    let end = name.iter().position(|byte| *byte == 0)?;
    let named = end > 0
        && name[..end]
            .iter()
            .all(|byte| byte.is_ascii_graphic() && !b"*?/\\:".contains(byte));
    (named && u32_le(window.head(), 15).is_some_and(|size| u64::from(size) <= window.len()))
        .then(|| Finding::likely("application/x-arc"))
}

/// FITS: a first card that says yes, perhaps shorter than the standard wants it, and more cards.
pub(super) fn fits(window: &Window) -> Option<Finding> {
    let head = window.head();
    let card = &head[..head.len().min(80)];
    let value = card.strip_prefix(b"SIMPLE ")?.trim_ascii_start();
    let yes = value.strip_prefix(b"=")?.trim_ascii_start();
    (yes.starts_with(b"T") && !yes.get(1).is_some_and(u8::is_ascii_alphanumeric))
        .then(|| Finding::certain("application/fits"))
}
