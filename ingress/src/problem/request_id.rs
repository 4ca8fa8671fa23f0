//! Request ids: taken from the client if valid, generated otherwise.

use std::fmt;

use poem::Request;
use poem::http::{HeaderMap, HeaderName, HeaderValue};
use uuid::Uuid;

/// The header that carries it, both ways.
pub(crate) const REQUEST_ID: &str = "x-request-id";

/// Identifies a request in answers and the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId(String);

impl RequestId {
    const MAX_LENGTH: usize = 64;

    pub(crate) fn of(request: &Request) -> Self {
        let sent = request.header(REQUEST_ID).filter(|id| Self::is_sane(id));
        Self(sent.map_or_else(|| Uuid::new_v4().simple().to_string(), str::to_owned))
    }

    /// Assigns an id to a request.
    pub(crate) fn settle(request: &mut Request) -> Self {
        let id = Self::of(request);
        if let Ok(value) = HeaderValue::from_str(&id.0) {
            let name = HeaderName::from_static(REQUEST_ID);
            request.headers_mut().insert(name, value);
        }
        id
    }

    /// Adds it to the header of an answer.
    pub(crate) fn show_in(&self, headers: &mut HeaderMap) {
        if let Ok(value) = HeaderValue::from_str(&self.0) {
            headers.insert(HeaderName::from_static(REQUEST_ID), value);
        }
    }

    /// Letters, digits and `._-`: safe in a log, in a header and on a command line.
    fn is_sane(id: &str) -> bool {
        (1..=Self::MAX_LENGTH).contains(&id.len())
            && id
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sane_id_is_taken_over() {
        let request = Request::builder().header(REQUEST_ID, "req-1.2_3").finish();
        assert_eq!(RequestId::of(&request).as_str(), "req-1.2_3");
    }

    #[test]
    fn an_id_that_could_harm_a_log_is_replaced() {
        for id in ["", "a b", "x\u{7f}", "é", &"x".repeat(65)] {
            let request = Request::builder().header(REQUEST_ID, id).finish();
            assert_ne!(RequestId::of(&request).as_str(), id);
        }
    }
}
