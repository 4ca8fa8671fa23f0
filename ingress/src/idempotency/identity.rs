//! The identity of a keyed request: its sender, target and body.

use domain::{MediaType, Sha256, UserId, read_json};
use ledger::{KeyedRequest, Ticket};
use poem::Request;
use poem::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use poem::http::{HeaderMap, HeaderName};
use serde_json::{Value, json};

use crate::http::{Many, Media, extent};
use crate::problem::Problem;
use crate::uploads::is_form;

/// The field that carries a key.
pub const FIELD: &str = "Idempotency-Key";
const MAX_LENGTH: usize = 255;

/// A body with more values is not decoded.
const MOST_VALUES: usize = <Many as Media>::MOST_VALUES * 3;

/// Fields that describe the body, besides type and length.
const ABOUT_THE_BODY: [HeaderName; 5] = [
    CONTENT_ENCODING,
    HeaderName::from_static("upload-offset"),
    HeaderName::from_static("upload-complete"),
    HeaderName::from_static("content-digest"),
    HeaderName::from_static("repr-digest"),
];

/// A keyed request before its body is known.
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

    /// The identity of a request behind the URL of a ticket. Its keys are kept with those of the owner, and
    /// are none of theirs: no header field has a line break.
    pub(super) fn of_ticket(request: &Request, ticket: &Ticket, key: &str) -> Self {
        Self::of(request, ticket.owner, format!("\n{}\n{key}", ticket.id))
    }

    /// Returns the identity as known from `headers` before the body is read.
    pub(super) fn unread(&self, headers: &HeaderMap) -> KeyedRequest {
        // The boundary of a form varies, and so does its length.
        let declared = headers
            .get(CONTENT_TYPE)
            .and_then(|text| text.to_str().ok());
        let declared: Option<MediaType> = declared.and_then(|text| text.parse().ok());
        let is_form = declared.as_ref().is_some_and(is_form);
        let length = (!is_form).then_some(CONTENT_LENGTH);
        let fields = ABOUT_THE_BODY.into_iter().chain(length);
        let told = fields.filter_map(|field| Some((headers.get(&field)?.as_bytes(), field)));
        let told: Vec<_> = told
            .map(|(value, field)| format!("{field}: {}", value.escape_ascii()))
            .collect();
        let declared = declared.as_ref().map(MediaType::as_str);
        self.with_body(
            json!({"declared": declared, "told": told})
                .to_string()
                .as_bytes(),
        )
    }

    /// Returns the identity under which the request has its key until its body is known. No body has the
    /// same: that of a route whose bodies are streams is described in JSON.
    pub(super) fn held(&self) -> KeyedRequest {
        self.with_body(b"\0")
    }

    /// Returns the identity with this body, in canonical form.
    pub(super) fn with_body(&self, body: &[u8]) -> KeyedRequest {
        let whole = [self.target.as_bytes(), b"\n", body].concat();
        KeyedRequest {
            owner: self.owner,
            key: self.key.clone(),
            hash: Sha256::of(&whole),
        }
    }
}

/// Returns the key of a request, if any.
pub(super) fn key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let mut fields = headers.get_all(FIELD).iter();
    let Some(field) = fields.next() else {
        return Ok(None);
    };
    let refused = |detail: &str| Problem::invalid_field(FIELD, detail);
    let key = std::str::from_utf8(field.as_bytes()).map_err(|_| refused("must be UTF-8"))?;
    if fields.next().is_some() {
        return Err(refused("is given more than once"));
    }
    let length = key.chars().count();
    if (1..=MAX_LENGTH).contains(&length) {
        Ok(Some(key.to_owned()))
    } else {
        let detail = format!("must have 1 to {MAX_LENGTH} characters, not {length}");
        Err(refused(&detail))
    }
}

/// Returns a JSON body in canonical form; any other body unchanged.
pub(super) fn canonical(body: &[u8]) -> Vec<u8> {
    // A body with more values than any operation accepts is refused anyway.
    if extent(body).0 > MOST_VALUES {
        return body.to_vec();
    }
    match read_json::<Value>(body) {
        Ok(value) => value.to_string().into_bytes(),
        Err(_) => body.to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use poem::http::HeaderValue;

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
    fn an_unread_body_is_told_by_its_header() {
        let request = Request::builder().uri_str("/x?name=a").finish();
        let identity = Identity::of(&request, UserId(uuid::Uuid::nil()), "k".to_owned());
        let unread = |fields: &[(&'static str, &'static str)]| {
            let fields = fields.iter().map(|(name, value)| {
                let value = HeaderValue::from_static(value);
                (HeaderName::from_static(name), value)
            });
            identity.unread(&fields.collect()).hash
        };
        let text = unread(&[("content-type", "text/plain"), ("content-length", "5")]);
        assert_ne!(
            text,
            unread(&[("content-type", "text/plain"), ("content-length", "6")])
        );
        assert_ne!(text, unread(&[("content-length", "5")]));
        assert_ne!(unread(&[]), identity.with_body(b"").hash);
        let form =
            |boundary, length| unread(&[("content-type", boundary), ("content-length", length)]);
        assert_eq!(
            form("multipart/form-data; boundary=a", "70"),
            form("multipart/form-data; boundary=bcd", "76")
        );
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
