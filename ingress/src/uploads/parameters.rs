//! Parameters of header fields as clients write them: `form-data; name="file"; filename*=…`,
//! `multipart/form-data; boundary=…` (RFC 2045, RFC 6266, RFC 8187). Lenient where clients are
//! known to be: empty parameters, blanks around anything, values with blanks.

use encoding_rs::{Encoding, UTF_8, WINDOWS_1252};

use super::charset::{charset, decode};

/// The parameters of a field, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Parameters(Vec<(String, Vec<u8>)>);

/// `"` and line ends, as browsers write them in names (HTML, section 4.10.21.8).
const WRITTEN_BY_BROWSERS: [(&[u8], u8); 3] = [(b"%22", b'"'), (b"%0D", b'\r'), (b"%0A", b'\n')];

/// What a backslash in a quoted value escapes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Backslash {
    /// Whatever follows (RFC 9110, section 5.6.4).
    QuotesAll,
    /// A quote or another backslash; before anything else it is a part of a Windows path, which
    /// is how old browsers send names.
    QuotesQuotes,
}

/// A value with a charset.
struct Extended {
    text: String,
    /// Whether the charset is mandatory (RFC 5987, section 3.2).
    is_common: bool,
}

/// Returns the file name of a `Content-Disposition`.
pub fn file_name(field: &[u8]) -> Option<String> {
    Parameters::of(field).text("filename", None)
}

impl Parameters {
    /// Parses the parameters of a `Content-Disposition`.
    pub(super) fn of(field: &[u8]) -> Self {
        Self::read(field, Backslash::QuotesQuotes)
    }

    /// Parses the parameters of a `Content-Type`.
    pub(super) fn of_media_type(field: &[u8]) -> Self {
        Self::read(field, Backslash::QuotesAll)
    }

    fn read(field: &[u8], backslash: Backslash) -> Self {
        let mut found = Vec::new();
        let start = field.iter().position(|byte| *byte == b';');
        let mut rest = start.map_or(&[][..], |at| &field[at..]);
        while let Some((b';', tail)) = rest.split_first() {
            let length = tail
                .iter()
                .position(|byte| matches!(byte, b';' | b'='))
                .unwrap_or(tail.len());
            let (name, tail) = tail.split_at(length);
            let (value, tail) = match tail.strip_prefix(b"=") {
                Some(tail) => value(tail, backslash),
                None => (Vec::new(), tail),
            };
            let name = String::from_utf8_lossy(name.trim_ascii()).to_ascii_lowercase();
            if !name.is_empty() {
                found.push((name, value));
            }
            rest = tail;
        }
        Self(found)
    }

    /// Returns the first parameter with this lower-case name.
    pub(super) fn get(&self, name: &str) -> Option<&[u8]> {
        let mut named = self.0.iter().filter(|(known, _)| known == name);
        named.next().map(|(_, value)| value.as_slice())
    }

    /// The text of a parameter of a form: as `name*` (RFC 8187) or in the sections `name*0`,
    /// `name*1`… (RFC 2231), if that can be read, else as it stands in `name`, which is in the
    /// `charset` of the form. A `name*` in a charset that few read is for want of a `name`.
    pub(super) fn text(&self, name: &str, charset: Option<&'static Encoding>) -> Option<String> {
        let extended = self.get(&format!("{name}*")).and_then(extended);
        let extended = extended.or_else(|| self.continued(name));
        let extended = extended.filter(|extended| !extended.text.is_empty());
        let plain = self.get(name).map(|value| plain(value, charset));
        match (extended, plain) {
            (Some(extended), Some(plain)) if !extended.is_common && !plain.is_empty() => {
                Some(plain)
            }
            (Some(extended), _) => Some(extended.text),
            (None, plain) => plain,
        }
    }

    /// Joins numbered sections, none of which may be missing.
    fn continued(&self, name: &str) -> Option<Extended> {
        let section = |(key, value): &(String, Vec<u8>)| {
            let number = key.strip_prefix(name)?.strip_prefix('*')?;
            let encoded = number.strip_suffix('*');
            let number: usize = encoded.unwrap_or(number).parse().ok()?;
            Some((number, encoded.is_some(), value.clone()))
        };
        let mut sections: Vec<_> = self.0.iter().filter_map(section).collect();
        sections.sort_by_key(|(number, ..)| *number);
        let (_, is_first_encoded, first) = sections.first()?;
        let (encoding, begin) = match is_first_encoded.then(|| declared(first)) {
            Some(declared) => declared?,
            None => (UTF_8, first.as_slice()),
        };
        let mut bytes = Vec::new();
        for (expected, (number, is_encoded, value)) in sections.iter().enumerate() {
            let value = if expected == 0 {
                begin
            } else {
                value.as_slice()
            };
            match (*number == expected, is_encoded) {
                (false, _) => return None,
                (true, true) => bytes.extend(percent_decoded(value)?),
                (true, false) => bytes.extend_from_slice(value),
            }
        }
        Extended::decoded(encoding, &bytes)
    }
}

impl Extended {
    fn decoded(encoding: &'static Encoding, bytes: &[u8]) -> Option<Self> {
        Some(Self {
            text: decode(encoding, bytes)?,
            is_common: encoding == UTF_8 || encoding == WINDOWS_1252,
        })
    }
}

/// Returns a value and the rest, which is empty or begins with `;`.
fn value(text: &[u8], backslash: Backslash) -> (Vec<u8>, &[u8]) {
    let text = text.trim_ascii_start();
    let (value, rest) = match text.strip_prefix(b"\"") {
        Some(quoted) => quoted_text(quoted, backslash),
        None => (Vec::new(), text),
    };
    let end = rest
        .iter()
        .position(|byte| *byte == b';')
        .unwrap_or(rest.len());
    let (bare, behind) = rest.split_at(end);
    if text.starts_with(b"\"") {
        (value, behind)
    } else {
        (bare.trim_ascii().to_vec(), behind)
    }
}

/// Returns the text up to the closing quote.
fn quoted_text(text: &[u8], backslash: Backslash) -> (Vec<u8>, &[u8]) {
    let mut value = Vec::new();
    let mut rest = text;
    loop {
        rest = match rest {
            [] => return (value, rest),
            [b'"', behind @ ..] => return (value, behind),
            [b'\\', quoted, behind @ ..]
                if backslash == Backslash::QuotesAll || matches!(quoted, b'"' | b'\\') =>
            {
                value.push(*quoted);
                behind
            }
            [byte, behind @ ..] => {
                value.push(*byte);
                behind
            }
        };
    }
}

/// `UTF-8''%C3%9Cbersicht.pdf`; `None` if its charset is unknown or it is broken.
fn extended(value: &[u8]) -> Option<Extended> {
    let (encoding, encoded) = declared(value)?;
    Extended::decoded(encoding, &percent_decoded(encoded)?)
}

/// Splits a value into charset and text, skipping the language.
fn declared(value: &[u8]) -> Option<(&'static Encoding, &[u8])> {
    let mut parts = value.splitn(3, |byte| *byte == b'\'');
    let (label, _language, encoded) = (parts.next()?, parts.next()?, parts.next()?);
    Some((charset(label)?, encoded))
}

/// `None` where a percent sign is no escape.
fn percent_decoded(text: &[u8]) -> Option<Vec<u8>> {
    let is_escape = |tail: &[u8]| {
        tail.first_chunk::<2>()
            .is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    };
    let mut tails = text.split(|byte| *byte == b'%').skip(1);
    tails
        .all(is_escape)
        .then(|| percent_encoding::percent_decode(text).collect())
}

/// In the charset of the form, which is UTF-8 of all of today's clients; what is none is taken
/// for windows-1252, as old ones send it.
fn plain(value: &[u8], charset: Option<&'static Encoding>) -> String {
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value;
    while let Some((byte, behind)) = rest.split_first() {
        let written = WRITTEN_BY_BROWSERS
            .iter()
            .find(|(code, _)| rest.len() >= 3 && rest[..3].eq_ignore_ascii_case(code));
        rest = if let Some((code, byte)) = written {
            bytes.push(*byte);
            &rest[code.len()..]
        } else {
            bytes.push(*byte);
            behind
        };
    }
    decode(charset.unwrap_or(UTF_8), &bytes).unwrap_or_else(|| {
        WINDOWS_1252
            .decode_without_bom_handling(&bytes)
            .0
            .into_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(field: &str, name: &str) -> Option<String> {
        Parameters::of(field.as_bytes()).text(name, None)
    }

    #[test]
    fn parameters_come_in_any_order_and_are_read_whole() {
        for (field, name, file_name) in [
            (
                r#"form-data; name="file"; filename="a.txt""#,
                "file",
                "a.txt",
            ),
            (
                r#"form-data; filename="plan; name=x.txt"; name="file""#,
                "file",
                "plan; name=x.txt",
            ),
            (
                r#"form-data;filename="a \"b\" c.txt" ; NAME = file"#,
                "file",
                r#"a "b" c.txt"#,
            ),
            (
                "form-data; ;; name=file; ; filename= my plan.txt ;",
                "file",
                "my plan.txt",
            ),
            (
                "form-data;\tname\t=\t\"file\";\tfilename=\"a.txt\"",
                "file",
                "a.txt",
            ),
            (
                r#"form-data; name="file"; filename="C:\fakepath\new.txt""#,
                "file",
                r"C:\fakepath\new.txt",
            ),
            (
                r#"form-data; name="file"; filename="C:\\fakepath\\new.txt""#,
                "file",
                r"C:\fakepath\new.txt",
            ),
            (
                r#"form-data; name="file"; filename="a%22b%0d%0A.txt""#,
                "file",
                "a\"b\r\n.txt",
            ),
            (
                r#"form-data; name="file"; filename="100%.txt""#,
                "file",
                "100%.txt",
            ),
            (
                "form-data; name=\"file\"; filename=\"Übersicht.pdf\"",
                "file",
                "Übersicht.pdf",
            ),
            (r#"form-data; name="file"; filename="open"#, "file", "open"),
        ] {
            assert_eq!(text(field, "name").as_deref(), Some(name), "{field}");
            assert_eq!(
                text(field, "filename").as_deref(),
                Some(file_name),
                "{field}"
            );
        }
        assert_eq!(text("form-data", "name"), None);
        assert_eq!(text("form-data; xname=a; name2=b", "name"), None);
    }

    #[test]
    fn an_extended_name_wins_if_it_can_be_read() {
        for (field, file_name) in [
            (
                "form-data; filename*=UTF-8''%C3%9Cbersicht.pdf",
                "Übersicht.pdf",
            ),
            ("form-data; filename*=utf-8'de'a%20b; filename=\"x\"", "a b"),
            (
                "form-data; filename=\"x\"; FILENAME*=\"UTF-8''%e2%82%ac\"",
                "€",
            ),
            (
                "form-data; filename*=ISO-8859-1''%FCber; filename=x",
                "über",
            ),
            ("form-data; filename*=UTF-8''%FC; filename=x", "x"),
            ("form-data; filename*=UTF-8''%4; filename=x", "x"),
            ("form-data; filename*=KOI8-R''%C1; filename=x", "x"),
            ("form-data; filename*=nonsense; filename=x", "x"),
            ("form-data; filename*=UTF-8''; filename=x", "x"),
            ("form-data; filename*=windows-1251''%C1; filename=x", "x"),
            ("form-data; filename*=windows-1251''%C1", "Б"),
            ("form-data; filename*=windows-1251''%C1; filename=\"\"", "Б"),
            ("form-data; filename*=windows-1252''%80.txt", "€.txt"),
            ("form-data; filename*=iso-8859-1''a%96b", "a–b"),
            (
                "form-data; filename*1*=sicht%2etxt; filename=x; filename*0*=UTF-8''%C3%9Cber",
                "Übersicht.txt",
            ),
            (
                "form-data; filename*0=\"long \"; filename*1=\"name.txt\"",
                "long name.txt",
            ),
            // A character may be cut between two sections.
            (
                "form-data; filename*0*=UTF-8''%C3; filename*1*=%9C; filename*2=.t%20t",
                "Ü.t%20t",
            ),
            ("form-data; filename*0=a; filename*2=b; filename=x", "x"),
            ("form-data; filename*1=a; filename=x", "x"),
            ("form-data; filename*0=a; filename*0=b; filename=x", "x"),
            ("form-data; filename*0*=UTF-8; filename=x", "x"),
        ] {
            assert_eq!(
                text(field, "filename").as_deref(),
                Some(file_name),
                "{field}"
            );
        }
    }

    #[test]
    fn a_plain_name_is_in_the_charset_of_the_form_or_in_windows_1252() {
        for (name, charset, expected) in [
            (&b"\xfcber"[..], None, "über"),
            (b"a\x96b", None, "a–b"),
            (b"\xc3\xbc", None, "ü"),
            (b"\xc3\xbc", Some(WINDOWS_1252), "Ã¼"),
            (b"\xc1", Some(encoding_rs::KOI8_R), "а"),
        ] {
            let field = [b"form-data; filename=\"", name, b"\""].concat();
            let text = Parameters::of(&field).text("filename", charset);
            assert_eq!(text.as_deref(), Some(expected), "{name:?}");
        }
    }

    #[test]
    fn a_backslash_quotes_whatever_follows_in_a_media_type() {
        let field = br#"multipart/form-data; boundary="a\+b\"c""#;
        let parameters = Parameters::of_media_type(field);
        assert_eq!(parameters.get("boundary"), Some(&b"a+b\"c"[..]));
    }
}
