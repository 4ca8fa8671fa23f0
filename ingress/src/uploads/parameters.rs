//! Parameters of header fields as clients write them: `form-data; name="file"; filename*=…`,
//! `multipart/form-data; boundary=…` (RFC 2045, RFC 6266, RFC 8187). Lenient where clients are
//! known to be: empty parameters, blanks around anything, values with blanks.

/// The parameters of a field, in their order, behind its value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Parameters(Vec<(String, Vec<u8>)>);

/// `"` and line ends, as browsers write them in names (HTML, section 4.10.21.8).
const WRITTEN_BY_BROWSERS: [(&[u8], u8); 3] = [(b"%22", b'"'), (b"%0D", b'\r'), (b"%0A", b'\n')];

impl Parameters {
    /// Reads what follows the first `;` of a field.
    pub(super) fn of(field: &[u8]) -> Self {
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
                Some(tail) => value(tail),
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

    /// The value of the first parameter of that name, which is in lower case.
    pub(super) fn get(&self, name: &str) -> Option<&[u8]> {
        let mut named = self.0.iter().filter(|(known, _)| known == name);
        named.next().map(|(_, value)| value.as_slice())
    }

    /// The text of a parameter of a form: as `name*` (RFC 8187) if that can be read, else as it
    /// stands in `name`.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        let extended = self.get(&format!("{name}*")).and_then(extended);
        extended.or_else(|| self.get(name).map(plain))
    }
}

/// A value and what is behind it, which is nothing or begins with `;`.
fn value(text: &[u8]) -> (Vec<u8>, &[u8]) {
    let text = text.trim_ascii_start();
    let (value, rest) = match text.strip_prefix(b"\"") {
        Some(quoted) => quoted_text(quoted),
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

/// What stands before the closing quote. A backslash quotes a quote or another one; before
/// anything else it is a part of a Windows path, which is how old browsers send names.
fn quoted_text(text: &[u8]) -> (Vec<u8>, &[u8]) {
    let mut value = Vec::new();
    let mut rest = text;
    loop {
        rest = match rest {
            [] => return (value, rest),
            [b'"', behind @ ..] => return (value, behind),
            [b'\\', quoted @ (b'"' | b'\\'), behind @ ..] => {
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

/// `UTF-8''%C3%9Cbersicht.pdf`; `None` if it is another charset or broken.
fn extended(value: &[u8]) -> Option<String> {
    let mut parts = value.splitn(3, |byte| *byte == b'\'');
    let (charset, _language, encoded) = (parts.next()?, parts.next()?, parts.next()?);
    let bytes = percent_decoded(encoded)?;
    if charset.eq_ignore_ascii_case(b"utf-8") {
        String::from_utf8(bytes).ok()
    } else if charset.eq_ignore_ascii_case(b"iso-8859-1") {
        Some(latin1(&bytes))
    } else {
        None
    }
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

/// UTF-8, as all of today's clients send it; what is none is taken for Latin-1.
fn plain(value: &[u8]) -> String {
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
    String::from_utf8(bytes).unwrap_or_else(|error| latin1(error.as_bytes()))
}

fn latin1(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(*byte)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(field: &str, name: &str) -> Option<String> {
        Parameters::of(field.as_bytes()).text(name)
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
        ] {
            assert_eq!(
                text(field, "filename").as_deref(),
                Some(file_name),
                "{field}"
            );
        }
    }

    #[test]
    fn what_is_not_utf_8_is_latin_1() {
        let parameters = Parameters::of(b"form-data; filename=\"\xfcber.txt\"");
        assert_eq!(parameters.text("filename").as_deref(), Some("über.txt"));
    }
}
