//! Bytes to text: byte order marks, UTF-8, UTF-16 and UTF-32 without marks,
//! escaped and legacy encodings. The structure tests need the ASCII right and
//! nothing more, so legacy letters stand for themselves as Latin-1.

use crate::numbers;

/// How much text the structure tests look at.
const MOST_BYTES: usize = 64 * 1024;

/// What stands before each text of a sequence of JSON.
const SEPARATOR: u8 = 0x1e;

/// Decoded text.
#[derive(Debug, Clone)]
pub(crate) struct Text {
    /// The first part of it, line ends as they are.
    pub(crate) body: String,
    /// Whether `body` is all there is.
    pub(crate) is_whole: bool,
    /// No control characters but those that text uses.
    pub(crate) is_clean: bool,
    /// In an encoding that isn't Unicode's.
    pub(crate) is_legacy: bool,
}

impl Text {
    const fn clean(body: String, is_whole: bool) -> Self {
        Self {
            body,
            is_whole,
            is_clean: true,
            is_legacy: false,
        }
    }

    /// The first lines that aren't blank, at most so many, without blanks at their ends.
    pub(crate) fn written_lines(&self, most: usize) -> Vec<&str> {
        let lines = self.lines().map(str::trim_end);
        lines.filter(|line| !line.is_empty()).take(most).collect()
    }

    /// Lines by any line end, without the one that was cut off.
    pub(crate) fn lines(&self) -> impl Iterator<Item = &str> {
        let end = if self.is_whole {
            self.body.len()
        } else {
            self.body.rfind(['\n', '\r']).unwrap_or(self.body.len())
        };
        let body = &self.body[..end];
        let separator = if memchr::memchr(b'\n', body.as_bytes()).is_some() {
            '\n'
        } else {
            '\r'
        };
        body.split(separator)
            .map(|line| line.trim_end_matches('\r'))
    }
}

/// The bytes as text, or `None` for what is none.
pub(crate) fn decode(head: &[u8], is_whole: bool) -> Option<Text> {
    let head = without_leading_zeros(head);
    // Markup may have a long comment before the element that tells.
    let most = if is_markup(head) {
        head.len()
    } else {
        MOST_BYTES
    };
    let cut = head.len().min(most);
    let whole = is_whole && cut == head.len();
    let sample = &head[..cut];
    if let Some(body) = marked(sample) {
        let is_clean = is_clean(&body);
        return plausible(&body).then_some(Text {
            is_clean,
            ..Text::clean(body, whole)
        });
    }
    match wide(sample) {
        Some(body) => Some(Text::clean(body, whole)),
        None => of_bytes(sample, whole),
    }
}

/// Text of which each character is one byte or a few.
fn of_bytes(sample: &[u8], whole: bool) -> Option<Text> {
    let controls = odd_controls(sample);
    let nuls = memchr::memchr_iter(0, sample).count();
    let body = match std::str::from_utf8(sample) {
        Ok(text) => text.to_owned(),
        // A character that a cut splits is no error.
        Err(error) if error.error_len().is_none() => {
            String::from_utf8_lossy(&sample[..error.valid_up_to()]).into_owned()
        }
        Err(_) => {
            if let Some(body) = ideographic(sample) {
                return Some(Text::clean(body, whole));
            }
            if nuls > 0 || !legacy(sample, controls) && !is_ebcdic(sample) {
                return None;
            }
            return Some(Text {
                is_clean: controls == 0,
                is_legacy: true,
                ..Text::clean(sample.iter().map(|byte| char::from(*byte)).collect(), whole)
            });
        }
    };
    let is_clean = controls == 0 && nuls == 0;
    // A few stray controls are found in real text; NULs hardly ever.
    let tolerable = is_clean
        || controls == 0 && nuls * 12 <= sample.len() && is_printed(sample)
        || controls * 50 <= sample.len() && nuls * 100 <= sample.len() && sample.len() > 32;
    if tolerable {
        return Some(Text {
            is_clean,
            ..Text::clean(body, whole)
        });
    }
    // Thai in UTF-16 has no byte that UTF-8 would not allow.
    ideographic(sample).map(|body| Text::clean(body, whole))
}

/// Controls that text does not use; shifts and separators it uses if it begins so.
fn odd_controls(sample: &[u8]) -> usize {
    let mut controls = count(sample, is_odd_control);
    if numbers::contains(&sample[..sample.len().min(4096)], b"\x1b$)") {
        controls -= count(sample, |byte| byte & !1 == 0x0e);
    }
    if sample.starts_with(&[SEPARATOR, b'{']) {
        controls -= count(sample, |byte| byte == SEPARATOR);
    }
    controls
}

/// How many bytes are so. The compiler compares many at once, if `is` has no branches: sums of that few
/// fit into a byte.
fn count(sample: &[u8], is: impl Fn(u8) -> bool) -> usize {
    let few = |bytes: &[u8]| bytes.iter().map(|byte| u8::from(is(*byte))).sum::<u8>();
    let chunks = sample.chunks(usize::from(u8::MAX));
    chunks.map(|bytes| usize::from(few(bytes))).sum()
}

/// Lines of ASCII, but for zeros.
fn is_printed(sample: &[u8]) -> bool {
    sample.contains(&b'\n')
        && sample
            .iter()
            .all(|byte| matches!(byte, 0 | b'\t' | b'\r' | b'\n' | b' '..=b'~'))
}

/// Browsers skip zeros before markup, and so do we; in UTF-16 and UTF-32 they are letters.
fn without_leading_zeros(head: &[u8]) -> &[u8] {
    let zeros = head.iter().take_while(|byte| **byte == 0).count();
    match head.get(zeros..) {
        Some(rest @ ([b'<', second, ..] | [0xef, 0xbb, 0xbf, b'<', second, ..]))
            if zeros > 0 && *second != 0 =>
        {
            rest
        }
        _ => head,
    }
}

fn is_markup(head: &[u8]) -> bool {
    let start = &head[..head.len().min(64)];
    let start = start
        .strip_prefix(b"\xef\xbb\xbf")
        .unwrap_or(start)
        .trim_ascii_start();
    start.starts_with(b"<")
}

/// 1 to 6, 0x0e to 0x1a, 0x1c to 0x1f, and 0x7f.
#[expect(
    clippy::needless_bitwise_bool,
    reason = "without branches many bytes are compared at once"
)]
const fn is_odd_control(byte: u8) -> bool {
    (byte.wrapping_sub(1) < 6) | (byte.wrapping_sub(0x0e) < 0x12) & (byte != 0x1b) | (byte == 0x7f)
}

/// Text after a byte order mark.
fn marked(sample: &[u8]) -> Option<String> {
    match sample {
        [0xef, 0xbb, 0xbf, rest @ ..]
        | [b'+', b'/', b'v', b'8' | b'9' | b'+' | b'/', rest @ ..] => {
            Some(String::from_utf8_lossy(rest).into_owned())
        }
        [0xff, 0xfe, 0, 0, rest @ ..] => Some(utf32(rest, u32::from_le_bytes)),
        [0, 0, 0xfe, 0xff, rest @ ..] => Some(utf32(rest, u32::from_be_bytes)),
        [0xff, 0xfe, rest @ ..] => Some(utf16(rest, u16::from_le_bytes)),
        [0xfe, 0xff, rest @ ..] => Some(utf16(rest, u16::from_be_bytes)),
        _ => None,
    }
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> String {
    let units = bytes.as_chunks::<2>().0.iter().map(|pair| unit(*pair));
    char::decode_utf16(units)
        .map(|character| character.unwrap_or('\u{fffd}'))
        .collect()
}

fn utf32(bytes: &[u8], unit: fn([u8; 4]) -> u32) -> String {
    bytes
        .as_chunks::<4>()
        .0
        .iter()
        .map(|four| char::from_u32(unit(*four)).unwrap_or('\u{fffd}'))
        .collect()
}

/// Few replacement characters and few controls.
fn plausible(body: &str) -> bool {
    let (mut odd, mut all) = (0_usize, 0_usize);
    for character in body.chars().take(8192) {
        all += 1;
        let control = character.is_control()
            && !matches!(
                character,
                '\t' | '\n' | '\r' | '\u{c}' | '\u{1b}' | '\u{85}'
            );
        let unassigned = matches!(
            character,
            '\u{fffd}' | '\u{fffe}' | '\u{ffff}' | '\u{e000}'..='\u{f8ff}'
        );
        odd += usize::from(control || unassigned);
    }
    odd * 20 <= all
}

fn is_clean(body: &str) -> bool {
    !body
        .chars()
        .any(|character| u8::try_from(character).is_ok_and(is_odd_control) || character == '\0')
}

/// UTF-32 and UTF-16 without a mark: zeros in the places where Latin text has
/// them, or code units that all are letters of a few scripts.
fn wide(sample: &[u8]) -> Option<String> {
    if sample.len() < 4 {
        return None;
    }
    let fours = sample.as_chunks::<4>().0;
    if sample.len() >= 8 && sample.len().is_multiple_of(4) {
        let are_all = |order: fn([u8; 4]) -> u32| {
            let is_character = |four: &[u8; 4]| matches!(order(*four), 9..=0x2_ffff);
            fours.iter().all(is_character)
        };
        if are_all(u32::from_be_bytes) {
            return Some(utf32(sample, u32::from_be_bytes)).filter(|body| plausible(body));
        }
        if are_all(u32::from_le_bytes) {
            return Some(utf32(sample, u32::from_le_bytes)).filter(|body| plausible(body));
        }
    }
    let pairs = sample.as_chunks::<2>().0;
    let zeros = |at: usize| pairs.iter().filter(|pair| pair[at] == 0).count();
    let (high, low) = (zeros(0), zeros(1));
    let order: fn([u8; 2]) -> u16 = if high > low {
        u16::from_be_bytes
    } else {
        u16::from_le_bytes
    };
    if high.max(low) == 0
        || high.min(low) * 20 > high.max(low)
        || !sample.len().is_multiple_of(2) && sample.len() < MOST_BYTES
    {
        return None;
    }
    let body = utf16(sample, order);
    // Mostly one script, with the blanks and line ends of text.
    let (mut letters, mut blanks, mut all, mut pages) = (0_usize, 0_usize, 0_usize, [0_usize; 256]);
    for character in body.chars().take(4096) {
        all += 1;
        letters += usize::from(
            character.is_alphanumeric()
                || character.is_ascii_punctuation()
                || character.is_whitespace()
                || ('\u{2000}'..'\u{206f}').contains(&character),
        );
        blanks += usize::from(character.is_whitespace());
        pages[(u32::from(character) >> 8) as usize & 0xff] += 1;
    }
    let enough_ascii = pages[0] * 100 >= all * 3;
    let strict = if high.max(low) * 2 >= pairs.len() {
        90
    } else {
        97
    };
    let is_text = letters * 100 >= all * strict
        && (blanks > 0 || high.max(low) * 10 >= pairs.len() * 9)
        && enough_ascii;
    (is_text && plausible(&body)).then_some(body)
}

/// An eight-bit or double-byte encoding: next to no controls, and high bytes
/// that stand among letters rather than evenly over all values.
fn legacy(sample: &[u8], controls: usize) -> bool {
    if controls > 0 && (sample.len() < 64 || controls * 200 > sample.len()) {
        return false;
    }
    let high = sample.iter().filter(|byte| **byte >= 0x80).count();
    let spaces = sample
        .iter()
        .filter(|byte| matches!(byte, b' ' | b'\n' | b'\r' | b'\t'))
        .count();
    if sample.len() <= 16 {
        return high * 2 <= sample.len();
    }
    // Ciphers and compressed data have no more blanks than any other byte.
    high * 10 < sample.len() * 3 || spaces * 50 >= sample.len() || double_byte(sample)
}

/// Lead bytes followed by trail bytes, as in Shift JIS, GBK, Big5 and EUC.
fn double_byte(sample: &[u8]) -> bool {
    let (mut at, mut pairs, mut broken) = (0, 0_usize, 0_usize);
    while let Some(&byte) = sample.get(at) {
        if byte < 0x80 {
            at += 1;
            continue;
        }
        match sample.get(at + 1) {
            Some(trail) if byte > 0x80 && *trail >= 0x40 && *trail != 0x7f => {
                pairs += 1;
                at += 2;
            }
            _ => {
                broken += 1;
                at += 1;
            }
        }
    }
    pairs > 20 && broken * 50 < pairs && is_varied(sample)
}

/// More different bytes than measured values in a narrow range have.
fn is_varied(sample: &[u8]) -> bool {
    let mut seen = [false; 256];
    for byte in sample.iter().take(4096) {
        seen[usize::from(*byte)] = true;
    }
    seen.iter().filter(|seen| **seen).count() >= 16
}

/// UTF-16 without a mark in scripts that leave few zeros: nearly every code
/// unit is of the East Asian or Thai blocks, of which chance makes one half.
fn ideographic(sample: &[u8]) -> Option<String> {
    if sample.len() < 32 || !sample.len().is_multiple_of(2) && sample.len() < MOST_BYTES {
        return None;
    }
    let sample = &sample[..sample.len().min(MOST_BYTES)];
    if is_ideographic(sample, u16::from_le_bytes) {
        return Some(utf16(sample, u16::from_le_bytes));
    }
    is_ideographic(sample, u16::from_be_bytes).then(|| utf16(sample, u16::from_be_bytes))
}

fn is_ideographic(sample: &[u8], unit: impl Fn([u8; 2]) -> u16) -> bool {
    let pairs = sample.as_chunks::<2>().0;
    let (mut strange, mut marks, mut all) = (0_usize, 0_usize, 0_usize);
    let units = pairs.iter().map(|pair| unit(*pair));
    for character in char::decode_utf16(units).take(4096) {
        let character = character.unwrap_or(char::REPLACEMENT_CHARACTER);
        all += 1;
        let mark = matches!(
            character,
            '\t' | '\n' | '\r' | ' '..='~' | '\u{2000}'..='\u{206f}' | '\u{3000}'..='\u{303f}'
                | '\u{ff00}'..='\u{ff0f}'
        );
        let letter = matches!(
            character,
            '\u{e00}'..='\u{e7f}' | '\u{3040}'..='\u{30ff}' | '\u{4e00}'..='\u{9fff}'
                | '\u{ac00}'..='\u{d7a3}' | '\u{ff10}'..='\u{ffef}'
        );
        marks += usize::from(mark);
        strange += usize::from(!mark && !letter);
        // As many as make it none, whatever follows.
        if strange * 50 > pairs.len().min(4096) {
            return false;
        }
    }
    strange * 50 <= all && marks * 100 >= all
}

/// Letters, digits and blanks where EBCDIC has them, and hardly anything else.
fn is_ebcdic(sample: &[u8]) -> bool {
    let sample = &sample[..sample.len().min(4096)];
    let (mut letters, mut blanks, mut strange) = (0_usize, 0_usize, 0_usize);
    for byte in sample {
        match byte {
            0x81..=0x89 | 0x91..=0x99 | 0xa2..=0xa9 | 0xc1..=0xc9 | 0xd1..=0xd9 | 0xe2..=0xe9 => {
                letters += 1;
            }
            0xf0..=0xf9
            | 0x15
            | 0x25
            | 0x05
            | 0x0d
            | 0x4b..=0x50
            | 0x5a..=0x61
            | 0x6b..=0x6f
            | 0x7a..=0x7f => {}
            0x40 => blanks += 1,
            _ => {
                strange += 1;
                if strange * 20 > sample.len() {
                    return false;
                }
            }
        }
    }
    sample.len() >= 16 && letters * 2 >= sample.len() && blanks * 25 >= sample.len()
}
