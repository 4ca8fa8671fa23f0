//! Parses JSON of clients into values that keep every number as written. All such text must be
//! parsed here: the library's reader would misinterpret objects with reserved names.

use serde::de::DeserializeOwned;

/// The prefix of names that `serde_json` uses internally, to pass values other than objects from
/// its reader: a number of any length, or a text that is JSON itself and is parsed in turn, without
/// a limit of depth.
const RESERVED: &[u8] = b"$serde_json::private::";

/// A text that was refused.
#[derive(Debug, thiserror::Error)]
pub enum InvalidJson {
    /// It is malformed, nested too deep, or doesn't match the type.
    #[error("the text is not the JSON that was expected")]
    Malformed(#[from] serde_json::Error),
    /// The name of a member is reserved by the reader.
    #[error("a member has a reserved name")]
    ReservedName,
}

/// Parses JSON sent by clients or derived from it.
#[expect(
    clippy::disallowed_methods,
    reason = "no member has a reserved name here"
)]
pub fn read_json<T: DeserializeOwned>(text: &[u8]) -> Result<T, InvalidJson> {
    check_member_names(text)?;
    Ok(serde_json::from_slice(text)?)
}

/// Refuses a text with a member whose name is reserved. For texts that another parser reads.
pub fn check_member_names(text: &[u8]) -> Result<(), InvalidJson> {
    let mut rest = text;
    while let Some(start) = rest.iter().position(|byte| *byte == b'"') {
        rest = &rest[start + 1..];
        let end = end_of_string(rest);
        let (inside, behind) = (&rest[..end], rest.get(end + 1..).unwrap_or_default());
        if begins_reserved(inside) && behind.trim_ascii_start().starts_with(b":") {
            return Err(InvalidJson::ReservedName);
        }
        rest = behind;
    }
    Ok(())
}

/// Returns the end of the string at the beginning of `text`.
fn end_of_string(text: &[u8]) -> usize {
    let mut escaped = false;
    let end = text.iter().position(|byte| {
        let ends = *byte == b'"' && !escaped;
        escaped = *byte == b'\\' && !escaped;
        ends
    });
    end.unwrap_or(text.len())
}

/// Returns whether a string begins with the reserved prefix, perhaps escaped.
fn begins_reserved(inside: &[u8]) -> bool {
    let mut rest = inside;
    RESERVED.iter().all(|expected| {
        let (found, length) = match rest {
            [b'\\', b'u', digits @ ..] => (digits.get(..4).and_then(code_unit), 6),
            [byte, ..] => (Some(u16::from(*byte)), 1),
            [] => (None, 0),
        };
        rest = rest.get(length..).unwrap_or_default();
        found == Some(u16::from(*expected))
    })
}

/// The UTF-16 code unit of four hexadecimal digits.
fn code_unit(digits: &[u8]) -> Option<u16> {
    let digits = std::str::from_utf8(digits).ok()?;
    u16::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn read(text: &str) -> Result<Value, InvalidJson> {
        read_json(text.as_bytes())
    }

    #[test]
    fn numbers_are_kept_as_they_are_written() {
        let text = "[1e+5,-0,1.50,1e-400,123456789012345678901234567890,21.518058988978538]";
        assert_eq!(read(text).unwrap().to_string(), text);
        // Except for the sign of the exponent, which the reader adds.
        assert_eq!(read("[1E5,1e400]").unwrap().to_string(), "[1e+5,1e+400]");
    }

    #[test]
    fn no_object_is_taken_for_something_else() {
        for name in [
            "Number",
            "RawValue",
            "",
            "Anything",
            "\\u004eumber",
            "R\\\"aw",
        ] {
            for before in [
                "$serde_json::private::",
                "\\u0024serde_json::private::",
                "$serde_jso\\u006E::private:\\u003a",
            ] {
                for text in [
                    format!("{{\"{before}{name}\":\"1\"}}"),
                    format!("[{{\"a\\\\\":{{\"\\\"\":1,\"{before}{name}\" \n:\"1e9\"}}}}]"),
                    format!("{{\"a\":{{\"{before}{name}\":"),
                ] {
                    assert!(
                        matches!(read(&text), Err(InvalidJson::ReservedName)),
                        "{text}"
                    );
                }
            }
        }
        for text in [
            r#"{"a":"b\\","$serde_json::private":1}"#,
            r#"{"$serde_json::private:\\u003aNumber":1}"#,
            r#"{"\\u0024serde_json::private::Number":1}"#,
            r#"["\"$serde_json::private::Number"]"#,
            r#"{"a":"$serde_json::private::RawValue","b":["$serde_json::private::Number"]}"#,
        ] {
            let read = read(text);
            assert!(!matches!(read, Err(InvalidJson::ReservedName)), "{text}");
        }
    }

    #[test]
    fn what_is_broken_is_no_json() {
        for text in ["", "{", "\"", "\"\\", "\"\\u", "{\"a\":1e}", "[01]"] {
            assert!(
                matches!(read(text), Err(InvalidJson::Malformed(_))),
                "{text}"
            );
        }
    }

    #[test]
    fn the_depth_is_bounded() {
        let nested = |depth| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(read(&nested(127)).is_ok());
        for depth in [128, 1_000_000] {
            assert!(matches!(
                read(&nested(depth)),
                Err(InvalidJson::Malformed(_))
            ));
        }
    }
}
