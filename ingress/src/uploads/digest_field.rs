//! `Content-Digest` and `Repr-Digest` (RFC 9530): SHA-256 digests declared by the sender.

use domain::Sha256;
use poem::http::HeaderMap;
use sfv::{BareItem, Dictionary, ListEntry, Parser};

const FIELDS: [&str; 2] = ["content-digest", "repr-digest"];

/// A malformed digest field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the digest field is malformed")]
pub struct MalformedDigest;

/// The declared SHA-256 digests. Other algorithms are ignored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Digests(Vec<Sha256>);

impl Digests {
    /// Reads both fields of a header.
    pub fn of(headers: &HeaderMap) -> Result<Self, MalformedDigest> {
        let mut digests = Vec::new();
        for field in FIELDS {
            let lines = headers
                .get_all(field)
                .iter()
                .map(|line| line.to_str().map_err(|_| MalformedDigest));
            let lines: Vec<_> = lines.collect::<Result<_, _>>()?;
            if !lines.is_empty() {
                digests.extend(sha256_of(&lines.join(", "))?);
            }
        }
        Ok(Self(digests))
    }

    /// Returns whether none is declared.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns whether `actual` equals every declared digest.
    #[must_use]
    pub fn match_with(&self, actual: Sha256) -> bool {
        self.0.iter().all(|promised| *promised == actual)
    }
}

/// Returns the `sha-256` member of a dictionary of byte sequences (RFC 9651, section 3.2), ignoring
/// parameters.
fn sha256_of(text: &str) -> Result<Option<Sha256>, MalformedDigest> {
    let dictionary: Dictionary = Parser::new(text).parse().map_err(|_| MalformedDigest)?;
    let mut found = None;
    for (key, value) in &dictionary {
        let ListEntry::Item(item) = value else {
            return Err(MalformedDigest);
        };
        let BareItem::ByteSequence(bytes) = &item.bare_item else {
            return Err(MalformedDigest);
        };
        if key.as_str() == "sha-256" {
            let bytes = bytes.as_slice().try_into().map_err(|_| MalformedDigest)?;
            found = Some(Sha256::from_bytes(bytes));
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use poem::http::HeaderValue;

    use super::*;

    /// The SHA-256 digest of an empty input.
    const EMPTY: &str = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";

    fn read(field: &'static str, lines: &[&str]) -> Result<Digests, MalformedDigest> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(field, HeaderValue::from_str(line).unwrap());
        }
        Digests::of(&headers)
    }

    fn promises_nothing_more_than_empty(line: &str) {
        let digests = read("content-digest", &[line]).unwrap();
        assert!(!digests.is_empty(), "{line}");
        assert!(digests.match_with(Sha256::of(b"")), "{line}");
        assert!(!digests.match_with(Sha256::of(b"x")), "{line}");
    }

    #[test]
    fn a_sha_256_digest_is_read() {
        promises_nothing_more_than_empty(&format!("sha-256=:{EMPTY}:"));
        promises_nothing_more_than_empty(&format!(
            "sha-512=:YQ==:,\tsha-256=:{EMPTY}:;a;b=1;c=:YQ==:"
        ));
        promises_nothing_more_than_empty(&format!("sha-256=:{}:", EMPTY.trim_end_matches('=')));
    }

    #[test]
    fn a_list_over_several_lines_is_one_list() {
        let lines = ["md5=:YQ==:", &format!("sha-256=:{EMPTY}:")];
        assert!(
            read("repr-digest", &lines)
                .unwrap()
                .match_with(Sha256::of(b""))
        );
    }

    #[test]
    fn other_algorithms_promise_nothing() {
        assert!(
            read("content-digest", &["sha-512=:YQ==:"])
                .unwrap()
                .is_empty()
        );
        assert!(read("content-digest", &[""]).unwrap().is_empty());
    }

    #[test]
    fn what_is_no_dictionary_of_byte_sequences_is_malformed() {
        for line in [
            "sha-256",
            "sha-256=",
            "sha-256=abc",
            "sha-256=:YQ==:",
            "sha-256=:!:",
            "sha-256=:YQ==",
            "=:YQ==:",
            "SHA-256=:YQ==:",
            "md5=:YQ==:,",
            "md5=:YQ==: x",
            "md5=:YQ==:;=1",
            "md5=1",
        ] {
            assert_eq!(
                read("content-digest", &[line]),
                Err(MalformedDigest),
                "{line}"
            );
        }
    }

    #[test]
    fn both_fields_must_keep_their_promise() {
        let mut headers = HeaderMap::new();
        headers.insert(
            "content-digest",
            HeaderValue::from_str(&format!("sha-256=:{EMPTY}:")).unwrap(),
        );
        let other = base64::engine::general_purpose::STANDARD.encode(Sha256::of(b"x").as_bytes());
        headers.insert(
            "repr-digest",
            HeaderValue::from_str(&format!("sha-256=:{other}:")).unwrap(),
        );
        assert!(!Digests::of(&headers).unwrap().match_with(Sha256::of(b"")));
    }
}
