//! ISO base media files (MP4, `QuickTime`, HEIF, AVIF, JPEG 2000, …): by the
//! brands they declare and, where those are common to all, by their tracks.

use std::io;

use crate::finding::Finding;
use crate::numbers::{contains, u32_be};
use crate::window::Window;

const MP4: &str = "video/mp4";
const QUICKTIME: &str = "video/quicktime";

/// Major brands by prefix, the longer before the shorter.
const BRANDS: &[(&[u8], &str)] = &[
    (b"qt", QUICKTIME),
    (b"M4A", "audio/mp4"),
    (b"M4B", "audio/mp4"),
    (b"M4P", "audio/mp4"),
    (b"F4A", "audio/mp4"),
    (b"F4B", "audio/mp4"),
    (b"M4V", "video/x-m4v"),
    (b"3g2", "video/3gpp2"),
    (b"kddi", "video/3gpp2"),
    (b"KDDI", "video/3gpp2"),
    (b"3gp", "video/3gpp"),
    (b"3ge", "video/3gpp"),
    (b"3gg", "video/3gpp"),
    (b"3gs", "video/3gpp"),
    (b"3gr", "video/3gpp"),
    (b"3gh", "video/3gpp"),
    (b"3gm", "video/3gpp"),
    (b"avif", "image/avif"),
    (b"avis", "image/avif"),
    (b"heic", "image/heic"),
    (b"heix", "image/heic"),
    (b"heim", "image/heic"),
    (b"heis", "image/heic"),
    (b"hevc", "image/heic"),
    (b"hevx", "image/heic"),
    (b"hevm", "image/heic"),
    (b"hevs", "image/heic"),
    (b"mif1", "image/heif"),
    (b"mif2", "image/heif"),
    (b"msf1", "image/heif"),
    (b"jpeg", "image/heif"),
    (b"avci", "image/heif"),
    (b"vvic", "image/heif"),
    (b"j2ki", "image/heif"),
    (b"crx ", "image/x-canon-cr3"),
    (b"jp2 ", "image/jp2"),
    (b"jpx ", "image/jpx"),
    (b"jpm ", "image/jpm"),
    (b"mjp2", "video/mj2"),
    (b"mj2s", "video/mj2"),
    (b"jxl ", "image/jxl"),
    (b"jxs ", "image/jxs"),
    (b"jph ", "image/jph"),
    (b"F4V", "video/mp4"),
    (b"f4v", "video/mp4"),
    (b"F4P", "video/mp4"),
    (b"aax", "audio/vnd.audible.aax"),
    (b"mp21", "application/mp21"),
    (b"dmb1", "video/vnd.dvb.file"),
];

/// Brands that say no more than "ISO base media".
const COMMON: &[&[u8]] = &[
    b"isom", b"iso", b"mp4", b"mp7", b"avc", b"dash", b"dby1", b"MSNV", b"mmp4", b"NDA", b"NDS",
    b"NDX", b"ND", b"XAVC", b"cmf", b"msdh", b"msix", b"hvc1", b"hev1", b"piff", b"CAEP", b"caqv",
    b"dvt1", b"dvr1", b"SDV", b"ssc", b"isml", b"hlsf", b"M4", b"lmsg", b"iphE", b"av01", b"vp09",
    b"unif", b"uvvu", b"mpuf", b"MPPI", b"MFSM", b"ccff", b"emsg", b"roku", b"ROSS", b"NDSP",
];

/// Boxes a `QuickTime` file without brands begins with.
const BARE_BOXES: &[&[u8]] = &[
    b"moov", b"mdat", b"wide", b"skip", b"free", b"pnot", b"uuid", b"idsc", b"PICT",
];

/// What the ISO base media file is.
pub(super) fn judge(window: &mut Window) -> io::Result<Option<Finding>> {
    let head = window.head();
    let Some(kind) = head.get(4..8) else {
        return Ok(None);
    };
    match kind {
        b"ftyp" => ftyp(window).map(Some),
        b"jP  " | b"jP\x1a\x1a" if head.starts_with(b"\0\0\0\x0c") => Ok(Some(jpeg2000(head))),
        b"JXL " if head.starts_with(b"\0\0\0\x0c") => Ok(Some(Finding::certain("image/jxl"))),
        b"styp" | b"sidx" | b"moof" if plausible_size(head, window.len()) => {
            Ok(Some(Finding::likely(MP4)))
        }
        kind if BARE_BOXES.contains(&kind) => Ok(bare(window)),
        _ => Ok(None),
    }
}

fn plausible_size(head: &[u8], length: u64) -> bool {
    match u32_be(head, 0) {
        Some(0 | 1) => true,
        Some(size) => {
            size >= 8
                && (u64::from(size) <= length
                    || length < 4096
                    || size < 0x1000_0000 && size >> 24 < 0x20)
        }
        None => false,
    }
}

/// A file that opens with a media box: the next box must be one as well.
fn bare(window: &Window) -> Option<Finding> {
    let head = window.head();
    if !plausible_size(head, window.len()) {
        return None;
    }
    let next = usize::try_from(u32_be(head, 0)?).ok()?;
    let follows = head.get(next..).and_then(|rest| rest.get(4..8));
    let sure = match follows {
        Some(kind) => {
            BARE_BOXES.contains(&kind) || matches!(kind, b"ftyp" | b"mvhd" | b"udta" | b"meta")
        }
        None => matches!(head.get(4..8), Some(b"moov" | b"mdat" | b"pnot" | b"wide")),
    };
    sure.then(|| Finding::likely(QUICKTIME))
}

fn ftyp(window: &mut Window) -> io::Result<Finding> {
    let head = window.head();
    let major = head.get(8..12).unwrap_or_default();
    let end = u32_be(head, 0)
        .map_or(0, |size| size as usize)
        .min(head.len())
        .min(4096);
    let compatible: Vec<&[u8]> = head
        .get(16..end)
        .unwrap_or_default()
        .as_chunks::<4>()
        .0
        .iter()
        .map(<[u8; 4]>::as_slice)
        .collect();
    let of = |brand: &[u8]| {
        BRANDS
            .iter()
            .find(|(known, _)| brand.starts_with(known))
            .map(|(_, media_type)| *media_type)
    };
    if let Some(media_type) = of(major) {
        let media_type = match media_type {
            "image/heif"
                if compatible.contains(&b"avif".as_slice())
                    || compatible.contains(&b"avis".as_slice()) =>
            {
                "image/avif"
            }
            other => other,
        };
        let is_heic = media_type == "image/heif"
            && compatible
                .iter()
                .any(|brand| of(brand) == Some("image/heic"));
        let also: &[&str] = if is_heic { &["image/heic"] } else { &[] };
        return Ok(Finding::certain(media_type).or_by_name(also));
    }
    let known = COMMON.iter().any(|brand| major.starts_with(brand));
    if !known && let Some(media_type) = compatible.iter().find_map(|brand| of(brand)) {
        return Ok(Finding::likely(media_type));
    }
    let also: &[&str] = if compatible.iter().any(|brand| brand.starts_with(b"M4V")) {
        &["video/x-m4v"]
    } else if compatible.iter().any(|brand| brand.starts_with(b"M4A"))
        || !contains(head, b"vide") && !contains(head, b"vmhd")
    {
        &["audio/mp4"]
    } else {
        &[]
    };
    let is_music =
        compatible.iter().any(|brand| brand.starts_with(b"M4A")) && also == ["audio/mp4"];
    let shows_pictures = contains(window.head(), b"vide") || contains(window.head(), b"vmhd");
    if known && (is_music && !shows_pictures || only_sound(window)?) {
        return Ok(Finding::likely("audio/mp4"));
    }
    let found = if known {
        Finding::certain(MP4)
    } else {
        Finding::likely(MP4)
    };
    Ok(found.or_by_name(also))
}

/// Whether the movie header, if it can be found, has sound but no pictures.
fn only_sound(window: &mut Window) -> io::Result<bool> {
    let mut offset = 0_u64;
    for _ in 0..16 {
        let header = window.read(offset, 16)?;
        let (Some(size), Some(kind)) = (u32_be(&header, 0), header.get(4..8)) else {
            return Ok(false);
        };
        let size = match size {
            0 => window.len().saturating_sub(offset),
            1 => u32_be(&header, 8)
                .zip(u32_be(&header, 12))
                .map_or(8, |(high, low)| u64::from(high) << 32 | u64::from(low)),
            size => u64::from(size),
        };
        if kind == b"moov" {
            let length = usize::try_from(size).unwrap_or(usize::MAX).min(192 * 1024);
            let movie = window.read(offset, length)?;
            let complete = movie.len() as u64 == size;
            return Ok(complete
                && contains(&movie, b"soun")
                && !contains(&movie, b"vide")
                && !contains(&movie, b"vmhd"));
        }
        if size < 8 {
            return Ok(false);
        }
        offset = offset.saturating_add(size);
    }
    Ok(false)
}

fn jpeg2000(head: &[u8]) -> Finding {
    let media_type = match head.get(20..24) {
        Some(b"jpx ") => "image/jpx",
        Some(b"jpm ") => "image/jpm",
        Some(b"mjp2") => "video/mj2",
        Some(b"jph ") => "image/jph",
        _ => "image/jp2",
    };
    Finding::certain(media_type)
}
