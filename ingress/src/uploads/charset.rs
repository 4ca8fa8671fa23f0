//! Charsets of form fields, by the labels of the WHATWG Encoding Standard.

use encoding_rs::{Encoding, REPLACEMENT, UTF_16BE, UTF_16LE};

/// Returns the charset with this label; `ISO-8859-1` is windows-1252, as in browsers.
pub(super) fn charset(label: &[u8]) -> Option<&'static Encoding> {
    // The replacement encoding stands for unsafe charsets.
    Encoding::for_label(label).filter(|encoding| *encoding != REPLACEMENT)
}

/// Returns the charset with this label if a whole form can have it: boundaries are ASCII.
pub(super) fn form_charset(label: &[u8]) -> Option<&'static Encoding> {
    charset(label).filter(|encoding| !is_utf16(encoding))
}

/// Decodes `bytes`; `None` if they are invalid in that charset. A byte order mark decides the order
/// of UTF-16, and is a character in any other charset.
pub(super) fn decode(encoding: &'static Encoding, bytes: &[u8]) -> Option<String> {
    let marked = Encoding::for_bom(bytes).filter(|(marked, _)| is_utf16(marked));
    let (encoding, start) = match marked {
        Some(marked) if is_utf16(encoding) => marked,
        _ => (encoding, 0),
    };
    let text = encoding.decode_without_bom_handling_and_without_replacement(&bytes[start..])?;
    Some(text.into_owned())
}

fn is_utf16(encoding: &'static Encoding) -> bool {
    encoding == UTF_16LE || encoding == UTF_16BE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_read_in_the_charset_of_the_label() {
        for (label, bytes, expected) in [
            ("utf-8", &b"\xc3\xbc"[..], Some("ü")),
            ("UTF-8", b"\xdc", None),
            ("utf-8", b"\xef\xbb\xbfa", Some("\u{feff}a")),
            ("us-ascii", b"a", Some("a")),
            ("ISO-8859-1", b"\xdc", Some("Ü")),
            ("latin1", b"\xc3\xbc", Some("Ã¼")),
            ("windows-1252", b"\x80", Some("€")),
            ("utf-16", b"\xdc\0a\0", Some("Üa")),
            ("utf-16", b"\xfe\xff\0\xdc", Some("Ü")),
            ("utf-16", b"\xff\xfe\xdc\0", Some("Ü")),
            ("utf-16be", b"\0\xdc", Some("Ü")),
            ("utf-16", b"\0\xd8a\0", None),
            ("utf-16", b"a", None),
            ("shift_jis", b"\x83e", Some("テ")),
            ("shift_jis", b"\x83", None),
        ] {
            let text = decode(charset(label.as_bytes()).unwrap(), bytes);
            assert_eq!(text.as_deref(), expected, "{label} {bytes:?}");
        }
        for unknown in ["utf-32", "utf-7", "hz-gb-2312", "replacement", "x", ""] {
            assert_eq!(charset(unknown.as_bytes()), None, "{unknown}");
        }
        assert_eq!(form_charset(b"utf-16"), None);
    }
}
