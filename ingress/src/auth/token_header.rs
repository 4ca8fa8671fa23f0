//! Parses the header of an unverified token.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::{InvalidJson, check_member_names};
use jsonwebtoken::{Header, decode_header};

/// An unusable header.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UnreadHeader {
    #[error("the header of the token is malformed")]
    Malformed(#[from] jsonwebtoken::errors::Error),
    #[error("the token has reserved member names")]
    ReservedName(#[from] InvalidJson),
}

/// Parses the header of a token, and checks that its claims are safe to parse.
///
/// The library parses unknown members into values, from unverified tokens too, so reserved names
/// are refused first.
pub(super) fn header_of(token: &str) -> Result<Header, UnreadHeader> {
    for part in token.split('.').take(2) {
        // Invalid base64 is not parsed at all.
        let text = URL_SAFE_NO_PAD.decode(part).unwrap_or_default();
        check_member_names(&text)?;
    }
    Ok(decode_header(token)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(header: &str, claims: &str) -> String {
        let [header, claims] = [header, claims].map(|text| URL_SAFE_NO_PAD.encode(text));
        format!("{header}.{claims}.c2lnbmVk")
    }

    #[test]
    fn no_member_is_taken_for_something_else() {
        let plain = r#"{"alg":"HS256","more":{"a":[1]}}"#;
        assert!(header_of(&token(plain, "{}")).is_ok());
        for (header, claims) in [
            (
                r#"{"alg":"HS256","more":{"$serde_json::private::RawValue":"[1]"}}"#,
                "{}",
            ),
            (
                r#"{"alg":"HS256","jwk":{"x":{"\u0024serde_json::private::RawValue":"[1]"}}}"#,
                "{}",
            ),
            (plain, r#"{"aud":{"$serde_json::private::RawValue":"[1]"}}"#),
            (plain, r#"{"exp":{"$serde_json::private::Number":"1"}}"#),
        ] {
            let read = header_of(&token(header, claims));
            assert!(
                matches!(read, Err(UnreadHeader::ReservedName(_))),
                "{header} {claims}"
            );
        }
    }

    #[test]
    fn what_is_no_header_is_told() {
        for token in ["", "a", "a.b.c", "....", &token("{", "{}")] {
            assert!(
                matches!(header_of(token), Err(UnreadHeader::Malformed(_))),
                "{token}"
            );
        }
    }
}
