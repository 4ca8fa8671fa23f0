//! `Content-Disposition` (RFC 6266) with names of any script (RFC 8187).

use domain::MediaType;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What a browser does with content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disposition {
    /// Save it.
    Attachment,
    /// Show it, if it can.
    Inline,
}

/// Detected types that no browser executes or renders with scripts.
const SHOWN_INLINE: [&str; 33] = [
    "application/json",
    "application/pdf",
    "audio/aac",
    "audio/flac",
    "audio/mp4",
    "audio/mpeg",
    "audio/ogg",
    "audio/vnd.wave",
    "audio/webm",
    "image/apng",
    "image/avif",
    "image/bmp",
    "image/gif",
    "image/heic",
    "image/heif",
    "image/jpeg",
    "image/jxl",
    "image/png",
    "image/tiff",
    "image/vnd.microsoft.icon",
    "image/webp",
    "text/calendar",
    "text/css",
    "text/csv",
    "text/markdown",
    "text/plain",
    "text/tab-separated-values",
    "text/vcard",
    "text/vtt",
    "video/mp4",
    "video/ogg",
    "video/quicktime",
    "video/webm",
];

/// All characters but `attr-char` of RFC 8187, section 3.2.1.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'!')
    .remove(b'#')
    .remove(b'$')
    .remove(b'&')
    .remove(b'+')
    .remove(b'-')
    .remove(b'.')
    .remove(b'^')
    .remove(b'_')
    .remove(b'`')
    .remove(b'|')
    .remove(b'~');

impl Disposition {
    /// Returns the disposition of a type: only safe types are shown inline.
    #[must_use]
    pub fn for_type(media_type: &MediaType, inline: bool) -> Self {
        if inline && SHOWN_INLINE.contains(&media_type.as_str()) {
            Self::Inline
        } else {
            Self::Attachment
        }
    }
}

/// Returns the field value: an ASCII name for old clients, and the real name if it differs.
#[must_use]
pub fn content_disposition(disposition: Disposition, name: &str) -> String {
    let kind = match disposition {
        Disposition::Attachment => "attachment",
        Disposition::Inline => "inline",
    };
    let plain: String = name.chars().map(plain).collect();
    let mut value = format!("{kind}; filename=\"{plain}\"");
    if plain != name {
        value.push_str("; filename*=UTF-8''");
        value.extend(utf8_percent_encode(name, ESCAPED));
    }
    value
}

/// Browsers interpret quotes, escapes and percent signs differently (RFC 6266, appendix D), so the
/// plain name has none.
fn plain(character: char) -> char {
    match character {
        '"' | '\\' | '%' | '/' => '_',
        ' '..='~' => character,
        _ => '_',
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attachment(name: &str) -> String {
        content_disposition(Disposition::Attachment, name)
    }

    #[test]
    fn a_plain_name_stands_alone() {
        assert_eq!(
            attachment("annual report.pdf"),
            r#"attachment; filename="annual report.pdf""#
        );
    }

    #[test]
    fn any_other_name_comes_in_both_forms() {
        assert_eq!(
            attachment("é.txt"),
            r#"attachment; filename="_.txt"; filename*=UTF-8''%C3%A9.txt"#
        );
        assert_eq!(
            attachment(r#"a"b%.txt"#),
            r#"attachment; filename="a_b_.txt"; filename*=UTF-8''a%22b%25.txt"#
        );
    }

    #[test]
    fn what_may_stand_in_an_extended_value_is_not_escaped() {
        let printable: String = ('!'..='~').collect();
        let value = attachment(&printable);
        let (_, extended) = value.split_once("UTF-8''").unwrap();
        let kept: String = extended
            .split('%')
            .enumerate()
            .flat_map(|(at, part)| part.chars().skip(if at == 0 { 0 } else { 2 }))
            .filter(|character| !character.is_ascii_alphanumeric())
            .collect();
        assert_eq!(kept, "!#$&+-.^_`|~");
    }

    #[test]
    fn every_name_makes_a_legal_header() {
        for name in ["\u{1F600}", "a\u{200B}b", "'*", ";=,", "\u{FEFF}x"] {
            assert!(
                poem::http::HeaderValue::from_str(&attachment(name)).is_ok(),
                "{name:?}"
            );
        }
    }

    #[test]
    fn only_what_cannot_run_script_is_shown() {
        let of = |name: &str| Disposition::for_type(&name.parse().unwrap(), true);
        for name in [
            "image/png",
            "audio/vnd.wave",
            "text/plain",
            "text/csv",
            "text/markdown",
            "text/css",
            "application/json",
        ] {
            assert_eq!(of(name), Disposition::Inline, "{name}");
        }
        for name in [
            "text/html",
            "image/svg+xml",
            "text/xml",
            "text/javascript",
            "multipart/related",
            "application/xhtml+xml",
            "application/octet-stream",
        ] {
            assert_eq!(of(name), Disposition::Attachment, "{name}");
        }
        assert_eq!(
            Disposition::for_type(&"image/png".parse().unwrap(), false),
            Disposition::Attachment
        );
    }
}
