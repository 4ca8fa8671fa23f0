//! A request, as it is tried again and again.

use std::fmt::Display;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, IF_MATCH};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde::Serialize;
use serde_json::Value;
use url::Url;
use uuid::Uuid;

/// The key that all tries of a request share.
pub(crate) const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// A request with a body in memory.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub method: Method,
    segments: Vec<String>,
    query: Vec<(String, String)>,
    pub headers: HeaderMap,
    pub body: Bytes,
    /// How long the service may wait before it answers, by request of the client.
    pub waits: Duration,
}

impl Call {
    /// A request for the resource with these segments of its path.
    pub(crate) fn new(method: Method, segments: &[&str]) -> Self {
        let mut call = Self {
            segments: segments.iter().map(|&segment| segment.to_owned()).collect(),
            query: vec![],
            headers: HeaderMap::new(),
            body: Bytes::new(),
            waits: Duration::ZERO,
            method,
        };
        if !matches!(call.method, Method::GET | Method::HEAD) {
            let key = Uuid::new_v4().to_string();
            call.set(IDEMPOTENCY_KEY, &key);
        }
        call
    }

    /// GET.
    pub(crate) fn get(segments: &[&str]) -> Self {
        Self::new(Method::GET, segments)
    }

    /// POST.
    pub(crate) fn post(segments: &[&str]) -> Self {
        Self::new(Method::POST, segments)
    }

    /// DELETE.
    pub(crate) fn delete(segments: &[&str]) -> Self {
        Self::new(Method::DELETE, segments)
    }

    /// Adds a parameter.
    pub(crate) fn query(mut self, name: &str, value: impl Display) -> Self {
        self.query.push((name.to_owned(), value.to_string()));
        self
    }

    /// Adds the members of `shape` that aren't null as parameters.
    pub(crate) fn queries(mut self, shape: &impl Serialize) -> Self {
        if let Ok(Value::Object(members)) = serde_json::to_value(shape) {
            for (name, value) in members {
                match value {
                    Value::Null => {}
                    Value::String(text) => self.query.push((name, text)),
                    other => self.query.push((name, other.to_string())),
                }
            }
        }
        self
    }

    /// Has the service wait for so many seconds.
    pub(crate) fn wait(self, seconds: u64) -> Self {
        let mut call = self.query("wait", seconds);
        call.waits = Duration::from_secs(seconds);
        call
    }

    /// Sets a header. Values that a header can't have are left out: the service says what is missing.
    pub(crate) fn set(&mut self, name: HeaderName, value: &str) {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(name, value);
        }
    }

    /// Sets a header.
    pub(crate) fn header(mut self, name: HeaderName, value: &str) -> Self {
        self.set(name, value);
        self
    }

    /// Only on this revision of the document.
    pub(crate) fn on_revision(self, revision: Option<u64>) -> Self {
        match revision {
            Some(revision) => self.header(IF_MATCH, &format!("\"r{revision}\"")),
            None => self,
        }
    }

    /// Sets a JSON body.
    pub(crate) fn json(self, body: &impl Serialize) -> Self {
        let bytes = serde_json::to_vec(body).unwrap_or_default();
        let mut call = self.header(CONTENT_TYPE, "application/json");
        call.body = bytes.into();
        call
    }

    /// The URL at the service.
    pub(crate) fn url(&self, base: &Url) -> Url {
        let mut url = base.clone();
        url.set_query(None);
        url.set_fragment(None);
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(&self.segments);
        }
        if !self.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&self.query);
        }
        url
    }

    /// The method and path, for errors.
    pub(crate) fn describe(&self) -> String {
        format!("{} /{}", self.method, self.segments.join("/"))
    }
}
