//! Formats whose mark is too short to be believed: each with a second look at
//! the numbers that must follow.

use crate::finding::Finding;
use crate::numbers::{find, u16_be, u16_le, u32_be, u32_le};
use crate::window::Window;

type Check = fn(&Window) -> Option<Finding>;

/// Checks that follow enough structure to stand beside signatures.
const CHECKS: &[Check] = &[
    dos_program,
    fat_or_class,
    python_byte_code,
    icon,
    bitmap,
    tagged_or_framed_sound,
    dolby_digital,
    transport_stream,
    lzma_alone,
    arrow_stream,
    dbase,
    paintbrush,
    binary_stl,
    marc,
    pgp_packets,
    stata,
    pict,
    iso_image,
    mac_binary,
    three_d_studio,
    jbig2,
    zlib_stream,
    flash,
    ms_compress,
];

/// Checks that binary rubbish could pass by chance now and then.
const WEAK: &[Check] = &[
    ustar,
    targa,
    object_file,
    boot_sector,
    dolby_or_layer,
    wavelet,
    ebcdic,
];

pub(super) fn judge(window: &Window) -> Option<Finding> {
    CHECKS.iter().find_map(|check| check(window))
}

/// What must be asked before a mark further in is believed: a file may be
/// anything up to there. Readers take a PDF header from within its first
/// kilobyte, and a tar holds whatever its first member is.
pub(super) fn judge_before_offsets(window: &Window) -> Option<Finding> {
    old_tar(window).or_else(|| pdf_after_garbage(window).filter(|_| !begins_with_a_mark(window)))
}

/// Whether the first bytes are those of a picture or a container, which may
/// quote a PDF in what they carry.
fn begins_with_a_mark(window: &Window) -> bool {
    super::BINARY
        .iter()
        .flat_map(|table| table.iter())
        .any(|signature| {
            signature.offset == 0 && signature.mark.len() >= 3 && signature.matches(window.head())
        })
}

pub(super) fn judge_weak(window: &Window) -> Option<Finding> {
    WEAK.iter().find_map(|check| check(window))
}

fn dos_program(window: &Window) -> Option<Finding> {
    let head = window.head();
    if !(head.starts_with(b"MZ") || head.starts_with(b"ZM")) {
        return None;
    }
    let new_header = u32_le(head, 0x3c).and_then(|at| head.get(at as usize..));
    let known = new_header.is_some_and(|header| {
        [b"PE\0\0".as_slice(), b"NE", b"LE", b"LX"]
            .iter()
            .any(|mark| header.starts_with(mark))
    });
    if known {
        return Some(Finding::certain(
            "application/vnd.microsoft.portable-executable",
        ));
    }
    let pages = u16_le(head, 4)?;
    (pages > 0 && u16_le(head, 8)? < 0x1000)
        .then(|| Finding::likely("application/vnd.microsoft.portable-executable"))
}

/// A fat binary counts a handful of programs where a class has its version.
fn fat_or_class(window: &Window) -> Option<Finding> {
    let head = window.head();
    if !head.starts_with(b"\xca\xfe\xba\xbe") {
        return None;
    }
    let number = u32_be(head, 4)?;
    let media_type = if number < 40 {
        "application/x-mach-binary"
    } else {
        "application/java-vm"
    };
    Some(Finding::certain(media_type))
}

fn python_byte_code(window: &Window) -> Option<Finding> {
    let head = window.head();
    let version = u16_le(head, 0)?;
    let known = matches!(version, 3000..=3900 | 20000..=62300) && head.get(2..4) == Some(b"\r\n");
    let object = [8, 12, 16].iter().any(|at| {
        head.get(*at)
            .is_some_and(|byte| matches!(byte, b'c' | 0xe3))
    });
    (known && object).then(|| Finding::certain("application/x-bytecode.python"))
}

fn icon(window: &Window) -> Option<Finding> {
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

fn bitmap(window: &Window) -> Option<Finding> {
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

/// MPEG sound and AAC: an ID3 tag before it, or frames that follow each other.
fn tagged_or_framed_sound(window: &Window) -> Option<Finding> {
    let head = window.head();
    if head.starts_with(b"ID3") {
        let size = head
            .get(6..10)?
            .iter()
            .fold(0_usize, |sum, byte| sum << 7 | usize::from(byte & 0x7f));
        let after = head.get(10 + size..).unwrap_or_default();
        let after = &after[after.iter().take_while(|byte| **byte == 0).count()..];
        return Some(match after {
            [b'f', b'L', b'a', b'C', ..] => Finding::certain("audio/flac"),
            [b'M', b'A', b'C', b' ', ..] => Finding::certain("audio/x-ape"),
            [b'w', b'v', b'p', b'k', ..] => Finding::certain("audio/x-wavpack"),
            [b'T', b'T', b'A', b'1', ..] => Finding::certain("audio/x-tta"),
            [b'M', b'P', b'+', ..] | [b'M', b'P', b'C', b'K', ..] => {
                Finding::certain("audio/x-musepack")
            }
            [b'F', b'O', b'R', b'M', ..] => Finding::certain("audio/aiff"),
            [0xff, second, ..] if second & 0xf6 == 0xf0 => Finding::certain("audio/aac"),
            _ => Finding::certain("audio/mpeg"),
        });
    }
    if let Some(frames) = count_frames(head, adts_frame)
        && (frames >= 2 || window.len() < 4096)
    {
        return Some(Finding::certain("audio/aac"));
    }
    let frames = count_frames(head, mpeg_frame)?;
    if frames >= 2
        || frames == 1
            && (window.is_whole() && head.len() < 4096 || head.starts_with(&[0xff, 0xfb]))
    {
        return Some(Finding::certain("audio/mpeg"));
    }
    None
}

/// How many frames, up to four, stand in a row at the start; `None` when there
/// is not even one.
fn count_frames(head: &[u8], length_of: fn(&[u8]) -> Option<usize>) -> Option<usize> {
    let mut at = 0;
    let mut frames = 0;
    while frames < 4 {
        let Some(length) = head.get(at..).and_then(length_of) else {
            break;
        };
        frames += 1;
        at += length;
        if at >= head.len() {
            break;
        }
    }
    (frames > 0).then_some(frames)
}

fn adts_frame(bytes: &[u8]) -> Option<usize> {
    let [0xff, second, third, fourth, fifth, sixth, ..] = bytes else {
        return None;
    };
    if second & 0xf6 != 0xf0 || (third >> 2) & 0xf > 12 {
        return None;
    }
    let length = usize::from(fourth & 3) << 11 | usize::from(*fifth) << 3 | usize::from(sixth >> 5);
    (length >= 7).then_some(length)
}

fn mpeg_frame(bytes: &[u8]) -> Option<usize> {
    const RATES: [[usize; 15]; 5] = [
        [
            0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448,
        ],
        [
            0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384,
        ],
        [
            0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320,
        ],
        [
            0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256,
        ],
        [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
    ];
    let [0xff, second, third, ..] = bytes else {
        return None;
    };
    let (version, layer) = ((second >> 3) & 3, (second >> 1) & 3);
    let (rate, sampling) = (usize::from(third >> 4), usize::from((third >> 2) & 3));
    if second & 0xe0 != 0xe0 || version == 1 || layer == 0 || rate == 0 || rate > 14 || sampling > 2
    {
        return None;
    }
    let first = version == 3;
    let row = match (first, layer) {
        (true, 3) => 0,
        (true, 2) => 1,
        (true, _) => 2,
        (false, 3) => 3,
        (false, _) => 4,
    };
    let bits = RATES[row][rate] * 1000;
    let samples = [44100, 48000, 32000][sampling] / [4, 1, 2, 1][usize::from(version)];
    let padding = usize::from((third >> 1) & 1);
    Some(match layer {
        3 => (12 * bits / samples + padding) * 4,
        1 if !first => 72 * bits / samples + padding,
        _ => 144 * bits / samples + padding,
    })
}

/// AC-3, and its successor by a later bit stream identification.
fn dolby_digital(window: &Window) -> Option<Finding> {
    let head = window.head();
    if !matches!(head.get(..2)?, [0x0b, 0x77] | [0x77, 0x0b]) {
        return None;
    }
    let identification = head.get(5)? >> 3;
    Some(Finding::likely(
        if head[0] == 0x0b && (11..=16).contains(&identification) {
            "audio/eac3"
        } else {
            "audio/vnd.dolby.dd-raw"
        },
    ))
}

/// Packets of 188, 192 or 204 bytes that each begin with 0x47.
fn transport_stream(window: &Window) -> Option<Finding> {
    let head = window.head();
    let in_step = |start: usize, step: usize| {
        (0..5).all(|packet| head.get(start + packet * step) == Some(&0x47))
    };
    if in_step(4, 192) && head.first() != Some(&0x47) {
        return Some(Finding::certain("video/mp2t"));
    }
    if head.first() == Some(&0x47) && [188, 192, 204, 208].iter().any(|step| in_step(0, *step)) {
        return Some(Finding::certain("video/mp2t"));
    }
    let short = head.first() == Some(&0x47)
        && window.is_whole()
        && head.len() >= 376
        && head.get(188) == Some(&0x47);
    short.then(|| Finding::likely("video/mp2t"))
}

/// A tar, old or new: the header's checksum holds.
fn old_tar(window: &Window) -> Option<Finding> {
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
fn ustar(window: &Window) -> Option<Finding> {
    (window.head().get(257..262) == Some(b"ustar")).then(|| Finding::likely("application/x-tar"))
}

fn lzma_alone(window: &Window) -> Option<Finding> {
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

fn arrow_stream(window: &Window) -> Option<Finding> {
    let head = window.head();
    let length = u32_le(head, 4)?;
    (head.starts_with(&[0xff; 4])
        && (16..0x10_0000).contains(&length)
        && length.is_multiple_of(8)
        && u32_le(head, 8)? == 16)
        .then(|| Finding::likely("application/vnd.apache.arrow.stream"))
}

/// dBASE: a version, a date, sizes that agree, and field names up to 0x0d.
fn dbase(window: &Window) -> Option<Finding> {
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
    let first_name = head.get(32..43)?;
    let kind = head.get(43)?;
    let named =
        first_name[0].is_ascii_alphanumeric() || first_name[0] == b'_' || first_name[0] >= 0x80;
    let ended = head
        .get(header.checked_sub(1)?)
        .is_none_or(|end| *end == 0x0d)
        || head.get(32..header)?.contains(&0x0d);
    (dated && header >= 65 && record > 0 && named && kind.is_ascii_uppercase() && ended)
        .then(|| Finding::certain("application/x-dbf"))
}

fn paintbrush(window: &Window) -> Option<Finding> {
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
fn binary_stl(window: &Window) -> Option<Finding> {
    let triangles = u32_le(window.head(), 80)?;
    (triangles > 0 && window.len() == 84 + 50 * u64::from(triangles))
        .then(|| Finding::likely("model/stl"))
}

/// MARC 21: five digits of length and a directory that ends in 0x1e.
fn marc(window: &Window) -> Option<Finding> {
    let head = window.head();
    let leader = head.get(..24)?;
    let digits = |range: std::ops::Range<usize>| leader[range].iter().all(u8::is_ascii_digit);
    let shaped =
        digits(0..5) && digits(12..17) && leader[10..12] == *b"22" && leader[20..22] == *b"45";
    (shaped && head.contains(&0x1e)).then(|| Finding::certain("application/marc"))
}

/// A first packet of a PGP message or key whose version is one there is.
fn pgp_packets(window: &Window) -> Option<Finding> {
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

fn stata(window: &Window) -> Option<Finding> {
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

/// A Macintosh picture: 512 bytes of preamble, a frame, then its version.
fn pict(window: &Window) -> Option<Finding> {
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

fn iso_image(window: &Window) -> Option<Finding> {
    let head = window.head();
    let raw = [0x9319, 0x9311]
        .iter()
        .any(|at| head.get(*at..*at + 5) == Some(b"CD001"));
    raw.then(|| Finding::certain("application/x-iso9660-image"))
}

/// Readers accept a PDF header within the first 1024 bytes.
fn pdf_after_garbage(window: &Window) -> Option<Finding> {
    let head = window.head();
    let start = &head[..head.len().min(1032)];
    let at = find(start, b"%PDF-")?;
    head.get(at + 5)
        .filter(|digit| matches!(digit, b'1' | b'2'))?;
    Some(Finding::likely("application/pdf"))
}

fn mac_binary(window: &Window) -> Option<Finding> {
    let head = window.head();
    let name = usize::from(*head.get(1)?);
    let named = head[0] == 0
        && (1..=63).contains(&name)
        && head.get(2..2 + name)?.iter().all(|byte| *byte >= 0x20);
    let zeros = head.get(74) == Some(&0) && head.get(82) == Some(&0);
    let printable = head
        .get(65..73)?
        .iter()
        .all(|byte| (0x20..0x7f).contains(byte));
    let marked = head.get(102..106) == Some(b"mBIN") || matches!(head.get(122), Some(0x81 | 0x82));
    (named && zeros && printable && marked).then(|| Finding::likely("application/x-macbinary"))
}

/// A main chunk as long as the file, with a version chunk in it.
fn three_d_studio(window: &Window) -> Option<Finding> {
    let head = window.head();
    let whole = u32_le(head, 2).is_some_and(|size| u64::from(size) == window.len());
    (head.starts_with(b"MM") && whole && matches!(head.get(6..8), Some(b"\x02\0" | b"\x3d\x3d")))
        .then(|| Finding::certain("image/x-3ds"))
}

fn jbig2(window: &Window) -> Option<Finding> {
    window
        .head()
        .starts_with(b"\x97JB2\r\n\x1a\n")
        .then(|| Finding::certain("image/x-jb2"))
}

/// A zlib stream that really begins to inflate.
fn zlib_stream(window: &Window) -> Option<Finding> {
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

fn flash(window: &Window) -> Option<Finding> {
    let head = window.head();
    let known = head.starts_with(b"FWS") && (1..=50).contains(head.get(3)?) && u32_le(head, 4)? > 8;
    known.then(|| Finding::certain("application/vnd.adobe.flash.movie"))
}

fn ms_compress(window: &Window) -> Option<Finding> {
    let head = window.head();
    let known = head.starts_with(b"BZh") && matches!(head.get(3), Some(b'1'..=b'9'));
    known.then(|| Finding::likely("application/x-bzip2"))
}

fn targa(window: &Window) -> Option<Finding> {
    let head = window.head();
    let [id_length, map, kind, ..] = head else {
        return None;
    };
    let (width, height) = (u16_le(head, 12)?, u16_le(head, 14)?);
    let (depth, descriptor) = (*head.get(16)?, *head.get(17)?);
    let mapped = *map == 1
        && matches!(kind, 1 | 9 | 32 | 33)
        && matches!(head.get(7), Some(8 | 15 | 16 | 24 | 32));
    let plain = *map == 0 && matches!(kind, 2 | 3 | 10 | 11) && head.get(5..8)? == [0, 0, 0];
    let footed = window.is_whole() && head.ends_with(b"TRUEVISION-XFILE.\0");
    let holds = (mapped || plain)
        && width > 0
        && height > 0
        && matches!(depth, 1 | 8 | 15 | 16 | 24 | 32)
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

/// A COFF object: a machine, a few sections, no date in the future.
fn object_file(window: &Window) -> Option<Finding> {
    let head = window.head();
    let machine = u16_le(head, 0)?;
    let sections = u16_le(head, 2)?;
    let symbols = u64::from(u32_le(head, 8)?);
    let optional = u16_le(head, 16)?;
    let section_name = head
        .get(20 + usize::from(optional))
        .is_some_and(|byte| matches!(byte, b'.' | b'/' | b'_'));
    let holds = matches!(machine, 0x014c | 0x8664 | 0xaa64 | 0x01c4 | 0x01c0)
        && (1..200).contains(&sections)
        && symbols < window.len();
    (holds && section_name).then(|| Finding::guess("application/x-coff"))
}

fn boot_sector(window: &Window) -> Option<Finding> {
    let head = window.head();
    let signed = head.get(510..512) == Some(b"\x55\xaa") && window.len().is_multiple_of(512);
    signed.then(|| Finding::guess("application/x-raw-disk-image"))
}

/// MPEG sound after some rubbish, as recorders and cutters leave it.
fn dolby_or_layer(window: &Window) -> Option<Finding> {
    let head = window.head();
    let start = &head[..head.len().min(4096)];
    let found = (1..start.len())
        .filter(|at| start[*at] == 0xff)
        .find(|at| count_frames(&head[*at..], mpeg_frame).is_some_and(|frames| frames >= 4));
    found.map(|_| Finding::guess("audio/mpeg"))
}

/// WBMP: two zero bytes, two small sizes, and exactly the bits for them.
fn wavelet(window: &Window) -> Option<Finding> {
    let [0, 0, width @ 1..=127, height @ 1..=127, ..] = window.head() else {
        return None;
    };
    let bytes = u64::from(*width).div_ceil(8) * u64::from(*height);
    (window.len() == 4 + bytes).then(|| Finding::guess("image/vnd.wap.wbmp"))
}

/// Text of mainframes: letters, digits and blanks of EBCDIC and little else.
fn ebcdic(window: &Window) -> Option<Finding> {
    let head = &window.head()[..window.head().len().min(4096)];
    let printable = |byte: &u8| matches!(byte, 0x40 | 0x15 | 0x25 | 0x0d | 0x05 | 0x4a..=0x50 | 0x5a..=0x61 | 0x6b..=0x6f | 0x7a..=0x7f | 0x81..=0x89 | 0x91..=0x99 | 0xa2..=0xa9 | 0xc1..=0xc9 | 0xd1..=0xd9 | 0xe2..=0xe9 | 0xf0..=0xf9);
    let blanks = memchr::memchr_iter(0x40, head).count();
    let known = head.iter().filter(|byte| printable(byte)).count();
    (head.len() >= 40 && known * 100 >= head.len() * 98 && blanks * 20 >= head.len())
        .then(|| Finding::guess("text/plain"))
}
