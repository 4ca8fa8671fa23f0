//! JSON as clients send it, read into values that keep every number as it is written.

use std::borrow::Cow;

use serde_json::Value;

/// The name under which `serde_json` hands numbers of any length from its reader to its values.
/// An object with that member would come out as a number.
const RESERVED: &str = "$serde_json::private::Number";

/// A text that isn't read.
#[derive(Debug, thiserror::Error)]
pub enum InvalidJson {
    /// It is not well-formed, or nested too deep.
    #[error("the text is not well-formed JSON")]
    Malformed(#[from] serde_json::Error),
    /// It has the one member name that can't be told from a number.
    #[error("a member has a reserved name")]
    ReservedName,
}

/// Reads a JSON text.
pub fn read_json(text: &[u8]) -> Result<Value, InvalidJson> {
    if names_reserved(text) {
        return Err(InvalidJson::ReservedName);
    }
    Ok(serde_json::from_slice(text)?)
}

/// Whether a string of the text is the reserved name, perhaps with escapes.
fn names_reserved(text: &[u8]) -> bool {
    let mut rest = text;
    while let Some(start) = rest.iter().position(|byte| *byte == b'"') {
        rest = &rest[start + 1..];
        let end = end_of_string(rest);
        if is_reserved(&rest[..end]) {
            return true;
        }
        rest = rest.get(end + 1..).unwrap_or_default();
    }
    false
}

/// Where the string that `text` begins with ends.
fn end_of_string(text: &[u8]) -> usize {
    let mut escaped = false;
    let end = text.iter().position(|byte| {
        let ends = *byte == b'"' && !escaped;
        escaped = *byte == b'\\' && !escaped;
        ends
    });
    end.unwrap_or(text.len())
}

fn is_reserved(inside: &[u8]) -> bool {
    if !inside.contains(&b'\\') {
        return inside == RESERVED.as_bytes();
    }
    // Each character may be written in up to six bytes.
    if inside.len() > 6 * RESERVED.len() {
        return false;
    }
    let quoted = [b"\"", inside, b"\""].concat();
    serde_json::from_slice::<Cow<'_, str>>(&quoted).is_ok_and(|text| text == RESERVED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_kept_as_they_are_written() {
        let text = "[1e+5,-0,1.50,1e-400,123456789012345678901234567890,21.518058988978538]";
        assert_eq!(read_json(text.as_bytes()).unwrap().to_string(), text);
        // But for how the reader writes the exponent.
        let read = read_json(b"[1E5,1e400]").unwrap();
        assert_eq!(read.to_string(), "[1e+5,1e+400]");
    }

    #[test]
    fn no_object_is_taken_for_a_number() {
        for text in [
            r#"{"a":{"$serde_json::private::Number":"1"}}"#,
            r#"{"\"":{"\u0024serde_json::private::Number":"1"}}"#,
            r#"{"a\\":{"$serde_json::private::\u004eumber":"1e9"}}"#,
        ] {
            let read = read_json(text.as_bytes());
            assert!(matches!(read, Err(InvalidJson::ReservedName)), "{text}");
        }
        for text in [
            r#"{"a":"b\\","$serde_json::private":1}"#,
            r#"["\"$serde_json::private::Number"]"#,
        ] {
            assert!(read_json(text.as_bytes()).is_ok(), "{text}");
        }
    }

    #[test]
    fn what_is_broken_is_no_json() {
        for text in ["", "{", "\"", "\"\\", "{\"a\":1e}", "[01]"] {
            let read = read_json(text.as_bytes());
            assert!(matches!(read, Err(InvalidJson::Malformed(_))), "{text}");
        }
    }
}
