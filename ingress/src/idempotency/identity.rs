//! What makes a request the same: who sends it, to what, with which body.

use poem::Request;
use poem::http::HeaderMap;
use serde_json::Value;
use shared::db::KeyedRequest;
use shared::domain::{Sha256, UserId};

use crate::problem::Problem;

/// The field that carries a key.
pub(super) const FIELD: &str = "Idempotency-Key";
const MAX_LENGTH: usize = 255;

/// A request with a key, before its body is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    owner: UserId,
    key: String,
    target: String,
}

impl Identity {
    pub(super) fn of(request: &Request, owner: UserId, key: String) -> Self {
        let target = format!(
            "{} {}?{}",
            request.method(),
            request.uri().path(),
            request.uri().query().unwrap_or_default()
        );
        Self { owner, key, target }
    }

    /// The request with this body, in a form that doesn't depend on how it was written.
    pub(super) fn with_body(&self, body: &[u8]) -> KeyedRequest {
        let whole = [self.target.as_bytes(), b"\n", body].concat();
        KeyedRequest {
            owner: self.owner,
            key: self.key.clone(),
            hash: Sha256::of(&whole),
        }
    }
}

/// The key of a request, if it has one.
pub(super) fn key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let mut fields = headers.get_all(FIELD).iter();
    let Some(field) = fields.next() else {
        return Ok(None);
    };
    let refused = |detail: &'static str| Problem::invalid_field(FIELD, detail);
    let key = std::str::from_utf8(field.as_bytes()).map_err(|_| refused("must be UTF-8"))?;
    if fields.next().is_some() {
        return Err(refused("is given more than once"));
    }
    if (1..=MAX_LENGTH).contains(&key.chars().count()) {
        Ok(Some(key.to_owned()))
    } else {
        Err(refused("must have 1 to 255 characters"))
    }
}

/// A JSON body without its white space and the order of its members; any other as it is.
pub(super) fn canonical(body: &[u8]) -> Vec<u8> {
    match serde_json::from_slice::<Value>(body) {
        Ok(value) => value.to_string().into_bytes(),
        Err(_) => body.to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(keys: &[&str]) -> Result<Option<String>, Vec<String>> {
        let fields = keys
            .iter()
            .map(|key| (FIELD.parse().unwrap(), key.parse().unwrap()));
        key(&fields.collect()).map_err(|problem| problem.pointers_for_tests())
    }

    #[test]
    fn a_key_has_1_to_255_characters() {
        let long = "x".repeat(255);
        assert_eq!(read(&[]), Ok(None));
        assert_eq!(read(&[&long]), Ok(Some(long.clone())));
        for wrong in [&[""][..], &[&format!("{long}x")], &["a", "a"]] {
            assert_eq!(read(wrong), Err(vec![FIELD.to_owned()]));
        }
    }

    #[test]
    fn json_is_the_same_however_it_is_written() {
        assert_eq!(
            canonical(br#" {"b": 1.0, "a": [1, 2]} "#),
            canonical(br#"{"a":[1,2],"b":1.0}"#)
        );
        assert_ne!(canonical(b"[1,2]"), canonical(b"[2,1]"));
        assert_eq!(canonical(b"{ no"), b"{ no");
    }
}
