//! Sound and streams: frames and packets that follow each other.

use crate::finding::Finding;
use crate::window::Window;

/// What else has such a tag before it, which may be longer than what was read.
pub(in crate::signatures) const TAGGED: &[&str] = &[
    "audio/mpeg",
    "audio/flac",
    "audio/aac",
    "audio/x-ape",
    "audio/x-wavpack",
    "audio/x-tta",
    "audio/x-musepack",
    "audio/aiff",
];

/// MPEG sound and AAC: an ID3 tag before it, or frames that follow each other.
pub(super) fn tagged_or_framed_sound(window: &Window) -> Option<Finding> {
    let head = window.head();
    if head.starts_with(b"ID3") {
        let size = head
            .get(6..10)?
            .iter()
            .fold(0_usize, |sum, byte| sum << 7 | usize::from(byte & 0x7f));
        let after = head.get(10 + size..).unwrap_or_default();
        if after.is_empty() {
            let is_cut = 10 + size as u64 >= window.len();
            return (!is_cut).then(|| Finding::likely("audio/mpeg").or_by_name(TAGGED));
        }
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
    // The third layer, in versions 1 and 2.
    let is_usual = matches!(head.get(1), Some(0xfa | 0xfb | 0xf2 | 0xf3));
    let is_short = window.is_whole() && head.len() < 4096;
    if frames >= 2 || frames == 1 && (is_short && is_usual || head.starts_with(&[0xff, 0xfb])) {
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
pub(super) fn dolby_digital(window: &Window) -> Option<Finding> {
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
pub(super) fn transport_stream(window: &Window) -> Option<Finding> {
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

/// MPEG sound after some rubbish, as recorders and cutters leave it.
pub(super) fn late_frames(window: &Window) -> Option<Finding> {
    let head = window.head();
    let start = &head[..head.len().min(4096)];
    let found = (1..start.len())
        .filter(|at| start[*at] == 0xff)
        .find(|at| is_stream(&head[*at..]));
    found.map(|_| Finding::guess("audio/mpeg"))
}

/// Whether four frames of the same kind follow each other. What follows is no stream of the first
/// layer, which small negative numbers look like, and which hardly anybody has.
fn is_stream(bytes: &[u8]) -> bool {
    let kind = |at: usize| {
        let header = bytes.get(at..at + 3)?;
        Some((header[1], header[2] & 0x0c))
    };
    let first = kind(0);
    if first.is_none_or(|(second, _)| second & 6 == 6) {
        return false;
    }
    let mut at = 0;
    for _ in 0..4 {
        let length = bytes.get(at..).and_then(mpeg_frame);
        let Some(length) = length.filter(|_| kind(at) == first) else {
            return false;
        };
        at += length;
    }
    true
}
