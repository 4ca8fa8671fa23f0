//! Archives and compressed streams: checksums and what really inflates.

use crate::finding::Finding;
use crate::numbers::{u16_be, u32_le};
use crate::window::Window;

/// A tar, old or new: the header's checksum holds.
pub(super) fn tar(window: &Window) -> Option<Finding> {
    let header = window.head().get(..512)?;
    let field = header[148..156].trim_ascii();
    let digits = field
        .split(|byte| matches!(byte, 0 | b' '))
        .next()
        .filter(|digits| (4..=7).contains(&digits.len()))?;
    let expected = u32::from_str_radix(std::str::from_utf8(digits).ok()?, 8).ok()?;
    let outside = header
        .iter()
        .enumerate()
        .filter(|(at, _)| !(148..156).contains(at));
    let sum: u32 = outside.map(|(_, byte)| u32::from(*byte)).sum::<u32>() + 8 * 32;
    (sum == expected && header[0] != 0).then(|| Finding::certain("application/x-tar"))
}

/// A header whose checksum is wrong but that says what it is.
pub(super) fn ustar(window: &Window) -> Option<Finding> {
    (window.head().get(257..262) == Some(b"ustar")).then(|| Finding::likely("application/x-tar"))
}

pub(super) fn lzma_alone(window: &Window) -> Option<Finding> {
    let head = window.head();
    let dictionary = u32_le(head, 1)?;
    let size = head.get(5..13)?;
    let plausible_size = size == [0xff; 8] || size[5..] == [0, 0, 0];
    let known = head[0] == 0x5d
        && (dictionary.is_power_of_two() || dictionary == 0xffff_ffff)
        && dictionary >= 4096;
    (known && plausible_size && head.get(13) == Some(&0))
        .then(|| Finding::likely("application/x-lzma"))
}

/// A zlib stream that really begins to inflate.
pub(super) fn zlib_stream(window: &Window) -> Option<Finding> {
    use std::io::Read as _;
    let head = window.head();
    let header = u16_be(head, 0)?;
    if head[0] != 0x78 || !header.is_multiple_of(31) || header & 0x20 != 0 {
        return None;
    }
    let mut inflated = [0_u8; 1024];
    let got = flate2::read::ZlibDecoder::new(&head[..head.len().min(8192)])
        .read(&mut inflated)
        .ok()?;
    let inflated = &inflated[..got];
    if inflated.starts_with(b"koly") || inflated.is_empty() {
        return None;
    }
    Some(Finding::likely("application/zlib"))
}

pub(super) fn bzip(window: &Window) -> Option<Finding> {
    let head = window.head();
    let known = head.starts_with(b"BZh") && matches!(head.get(3), Some(b'1'..=b'9'));
    known.then(|| Finding::likely("application/x-bzip2"))
}
