//! Pictures and models whose marks are short: sizes and counts must fit.

use crate::finding::Finding;
use crate::numbers::{u16_be, u16_le, u32_be, u32_le};
use crate::window::Window;

pub(super) fn icon(window: &Window) -> Option<Finding> {
    let head = window.head();
    let media_type = match head.get(..4)? {
        [0, 0, 1, 0] => "image/vnd.microsoft.icon",
        [0, 0, 2, 0] => "image/x-win-bitmap",
        _ => return None,
    };
    let count = u16_le(head, 4).filter(|count| (1..=256).contains(count))?;
    let (size, offset) = (u32_le(head, 14)?, u32_le(head, 18)?);
    let directory_end = 6 + 16 * u32::from(count);
    let fits = offset >= directory_end
        && size > 0
        && u64::from(offset) < window.len().max(u64::from(directory_end) + 1);
    (head.get(9) == Some(&0) && fits).then(|| Finding::certain(media_type))
}

pub(super) fn bitmap(window: &Window) -> Option<Finding> {
    let head = window.head();
    if !matches!(
        head.get(..2)?,
        b"BM" | b"BA" | b"CI" | b"CP" | b"IC" | b"PT"
    ) {
        return None;
    }
    let header = u32_le(head, 14)?;
    let known = matches!(header, 12 | 16 | 40 | 52 | 56 | 64 | 108 | 124 | 128);
    let array = head.starts_with(b"BA")
        && matches!(
            head.get(14..16),
            Some(b"BM" | b"IC" | b"CI" | b"CP" | b"PT")
        );
    if !(known && u32_le(head, 10)? < 0x0100_0000 || array) {
        return None;
    }
    Some(Finding::certain("image/bmp"))
}

pub(super) fn paintbrush(window: &Window) -> Option<Finding> {
    let head = window.head();
    let [0x0a, version, encoding, bits, ..] = head else {
        return None;
    };
    let (left, top, right, bottom) = (
        u16_le(head, 4)?,
        u16_le(head, 6)?,
        u16_le(head, 8)?,
        u16_le(head, 10)?,
    );
    let planes = *head.get(65)?;
    let holds = matches!(version, 0 | 2..=5)
        && *encoding <= 1
        && matches!(bits, 1 | 2 | 4 | 8 | 24)
        && left <= right
        && top <= bottom
        && planes <= 4;
    (holds && head.get(64) == Some(&0)).then(|| Finding::certain("image/vnd.zbrush.pcx"))
}

/// 80 bytes of anything, a count, and exactly that many triangles.
pub(super) fn binary_stl(window: &Window) -> Option<Finding> {
    let triangles = u32_le(window.head(), 80)?;
    let end = 84 + 50 * u64::from(triangles);
    let fits = triangles > 0
        && (window.len() == end
            || window.len().abs_diff(end) <= end / 2 && is_triangle(window.head()));
    fits.then(|| Finding::likely("model/stl"))
}

/// A first triangle: a direction of length one or none, corners that are numbers, no attributes.
fn is_triangle(head: &[u8]) -> bool {
    let number = |index: usize| u32_le(head, 84 + index * 4).map(f32::from_bits);
    let Some(numbers) = (0..12).map(number).collect::<Option<Vec<f32>>>() else {
        return false;
    };
    let length = numbers[..3].iter().map(|part| part * part).sum::<f32>();
    let plain = numbers
        .iter()
        .all(|number| *number == 0.0 || number.is_normal() && number.abs() < 1e9);
    plain
        && (length == 0.0 || (0.9..1.1).contains(&length))
        && numbers[3..] != [0.0; 9]
        && head.get(132..134) == Some(&[0, 0])
}

/// A Macintosh picture: 512 bytes of preamble, a frame, then its version.
pub(super) fn pict(window: &Window) -> Option<Finding> {
    let head = window.head();
    let is_version = |at: usize| {
        matches!(
            head.get(at..at + 4),
            Some([0x00, 0x11, 0x02, 0xff] | [0x11, 0x01, _, _])
        )
    };
    (is_version(522) || is_version(10) && u16_be(head, 0)? > 0)
        .then(|| Finding::likely("image/x-pict"))
}

/// A main chunk as long as the file, with a version chunk in it.
pub(super) fn three_d_studio(window: &Window) -> Option<Finding> {
    let head = window.head();
    let whole = u32_le(head, 2).is_some_and(|size| u64::from(size) == window.len());
    (head.starts_with(b"MM") && whole && matches!(head.get(6..8), Some(b"\x02\0" | b"\x3d\x3d")))
        .then(|| Finding::certain("image/x-3ds"))
}

pub(super) fn jbig2(window: &Window) -> Option<Finding> {
    window
        .head()
        .starts_with(b"\x97JB2\r\n\x1a\n")
        .then(|| Finding::certain("image/x-jb2"))
}

pub(super) fn flash(window: &Window) -> Option<Finding> {
    let head = window.head();
    let known = head.starts_with(b"FWS") && (1..=50).contains(head.get(3)?) && u32_le(head, 4)? > 8;
    known.then(|| Finding::certain("application/vnd.adobe.flash.movie"))
}

pub(super) fn targa(window: &Window) -> Option<Finding> {
    let head = window.head();
    let [id_length, map, kind, ..] = head else {
        return None;
    };
    let (width, height) = (u16_le(head, 12)?, u16_le(head, 14)?);
    let (depth, descriptor) = (*head.get(16)?, *head.get(17)?);
    let mapped = *map == 1
        && matches!(kind, 1 | 9 | 32 | 33)
        && matches!(head.get(7), Some(8 | 15 | 16 | 24 | 32));
    let plain = *map == 0 && matches!(kind, 2 | 3 | 10 | 11) && head.get(3..8)? == [0; 5];
    // As many bits of transparency as the depth leaves.
    let alpha = descriptor & 0x0f;
    let has_room = match depth {
        32 => matches!(alpha, 0 | 8),
        15 | 16 => alpha <= 1,
        _ => alpha == 0,
    };
    let footed = window.is_whole() && head.ends_with(b"TRUEVISION-XFILE.\0");
    let holds = (mapped || plain)
        && width > 0
        && height > 0
        && matches!(depth, 1 | 8 | 15 | 16 | 24 | 32)
        && has_room
        && descriptor & 0xc0 == 0;
    if !holds {
        return None;
    }
    let (width, height, depth) = (u64::from(width), u64::from(height), u64::from(depth));
    let pixels = width * height * depth.div_ceil(8);
    let packed = *kind >= 9;
    let fits = packed || window.len() + 64 >= 18 + u64::from(*id_length) + pixels;
    (footed || fits).then(|| {
        if footed {
            Finding::certain("image/x-tga")
        } else {
            Finding::guess("image/x-tga")
        }
    })
}

/// A dump of a window of X11 (`XWDFile.h`): a header's length, the seventh version, a format of
/// pixmaps, a depth, and a size.
pub(super) fn window_dump(window: &Window) -> Option<Finding> {
    let field = |index: usize| u32_be(window.head(), index * 4);
    let holds = (100..=4096).contains(&field(0)?)
        && field(1)? == 7
        && field(2)? <= 2
        && (1..=32).contains(&field(3)?)
        && (1..=0xffff).contains(&field(4)?)
        && (1..=0xffff).contains(&field(5)?)
        && matches!(field(11)?, 1..=128);
    holds.then(|| Finding::certain("image/x-xwindowdump"))
}

/// WBMP: two zero bytes, two small sizes, and exactly the bits for them.
pub(super) fn wireless_bitmap(window: &Window) -> Option<Finding> {
    let [0, 0, width @ 1..=127, height @ 1..=127, ..] = window.head() else {
        return None;
    };
    let bytes = u64::from(*width).div_ceil(8) * u64::from(*height);
    (window.len() == 4 + bytes).then(|| Finding::guess("image/vnd.wap.wbmp"))
}
