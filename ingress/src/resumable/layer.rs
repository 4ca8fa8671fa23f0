//! What tus requires of every answer: the field `Tus-Resumable`, and what `OPTIONS` tells. Also the
//! override of methods for clients that know GET and POST alone.

use domain::ByteSize;
use poem::http::header::{ALLOW, HeaderMap, HeaderName, HeaderValue};
use poem::http::{Method, StatusCode};
use poem::{Endpoint, Request, Response, Result};

use super::checksum::ALGORITHMS;
use super::ietf::Completeness;
use crate::http::RouteMatch;
use crate::problem::{Code, Problem};

/// The version of the protocol.
pub const VERSION: &str = "1.0.0";

const RESUMABLE: HeaderName = HeaderName::from_static("tus-resumable");
const EXTENSIONS: &str = "creation,creation-with-upload,creation-defer-length,expiration,checksum,checksum-trailer,termination,concatenation";
const OVERRIDE: &str = "x-http-method-override";

/// Media types by which uploads are continued.
const ACCEPT_PATCH: &str = "application/partial-upload, application/offset+octet-stream";

/// Returns whether documents are uploaded at this path, and so resumable uploads begin.
fn begins_uploads(path: &str) -> bool {
    let segments: Vec<_> = path.split('/').skip(1).collect();
    matches!(
        segments.as_slice(),
        ["v1", "documents"] | ["v1", "documents", _, "content"]
    )
}

/// Returns whether uploads are at this path.
fn is_of_uploads(path: &str) -> bool {
    let segments = || path.split('/').skip(1);
    segments().take(2).eq(["v1", "uploads"])
        || (segments().next() == Some("t") && segments().nth(2) == Some("uploads"))
}

/// Returns whether one upload is at this path.
fn is_of_one(path: &str) -> bool {
    is_of_uploads(path) && path.trim_end_matches('/').rsplit('/').next() != Some("uploads")
}

/// An endpoint whose answers about uploads are those of tus.
pub struct TusAnswers<E> {
    inner: E,
    max: ByteSize,
}

impl<E> TusAnswers<E> {
    /// Wraps `inner`, which accepts documents of at most `max` bytes.
    pub const fn new(inner: E, max: ByteSize) -> Self {
        Self { inner, max }
    }
}

impl<E: Endpoint<Output = Response>> Endpoint for TusAnswers<E> {
    type Output = Response;

    async fn call(&self, request: Request) -> Result<Response> {
        let path = request.uri().path();
        let is_of_uploads = is_of_uploads(path);
        let is_of_ietf = begins_uploads(path) && Completeness::read(request.headers()).is_some();
        // A ticket has limits of its own.
        let has_these_limits = (is_of_uploads || is_of_ietf) && !path.starts_with("/t/");
        let options = (is_of_uploads || begins_uploads(path))
            .then(|| allowed(&request))
            .flatten()
            .map(|allow| self.options(&allow, is_of_uploads));
        let mut response = match options {
            Some(options) => options,
            None if is_of_uploads || is_of_ietf => self.inner.get_response(request).await,
            None => return self.inner.call(request).await,
        };
        if has_these_limits && response.status() == StatusCode::PAYLOAD_TOO_LARGE {
            self.tell_limit(&mut response);
        }
        if !is_of_uploads {
            return Ok(response);
        }
        let headers = response.headers_mut();
        headers.insert(RESUMABLE, HeaderValue::from_static(VERSION));
        if response.status() == StatusCode::PRECONDITION_FAILED {
            let version = HeaderName::from_static("tus-version");
            let headers = response.headers_mut();
            headers.insert(version, HeaderValue::from_static(VERSION));
        }
        Ok(response)
    }
}

impl<E> TusAnswers<E> {
    fn limit(&self) -> String {
        format!("max-size={}", self.max.bytes())
    }

    fn tell_limit(&self, response: &mut Response) {
        if let Ok(limit) = HeaderValue::from_str(&self.limit()) {
            response.headers_mut().insert("upload-limit", limit);
        }
    }

    fn options(&self, allow: &str, speaks_tus: bool) -> Response {
        let options = Response::builder()
            .status(StatusCode::NO_CONTENT)
            .header(ALLOW, allow)
            .header("accept-patch", ACCEPT_PATCH)
            .header("upload-limit", self.limit());
        if !speaks_tus {
            return options.finish();
        }
        options
            .header("tus-version", VERSION)
            .header("tus-extension", EXTENSIONS)
            .header("tus-max-size", self.max.bytes())
            .header("tus-checksum-algorithm", ALGORITHMS)
            .finish()
    }
}

/// Returns what to tell of the methods of the path; `None` if the request asks for something else.
fn allowed(request: &Request) -> Option<String> {
    if request.method() != Method::OPTIONS {
        return None;
    }
    match request.data()? {
        RouteMatch::MethodNotAllowed(allow) => Some(format!("{allow}, OPTIONS")),
        RouteMatch::Found(_) | RouteMatch::NotFound => None,
    }
}

/// Returns whether a request names a version of tus.
pub fn speaks_tus(headers: &HeaderMap) -> bool {
    headers.contains_key(RESUMABLE)
}

/// Refuses requests that name no version of tus, or another one.
pub fn require_version(headers: &HeaderMap) -> Result<(), Problem> {
    match headers.get(RESUMABLE) {
        Some(version) if version == VERSION => Ok(()),
        _ => Err(Code::UnsupportedVersion.into()),
    }
}

/// The outermost layer: gives POST requests about an upload the method that they name.
pub struct MethodOverride<E>(pub E);

impl<E: Endpoint<Output = Response>> Endpoint for MethodOverride<E> {
    type Output = Response;

    async fn call(&self, mut request: Request) -> Result<Response> {
        if *request.method() == Method::POST && is_of_one(request.uri().path()) {
            let named = request.headers().get(OVERRIDE);
            let named = named.and_then(|named| Method::from_bytes(named.as_bytes()).ok());
            let allowed = [Method::PATCH, Method::DELETE, Method::HEAD, Method::OPTIONS];
            if let Some(method) = named.filter(|method| allowed.contains(method)) {
                request.set_method(method);
            }
        }
        self.0.call(request).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uploads_are_at_their_own_paths() {
        for path in [
            "/v1/uploads",
            "/v1/uploads/1",
            "/t/secret/uploads",
            "/t/secret/uploads/1",
        ] {
            assert!(is_of_uploads(path), "{path}");
        }
        for path in [
            "/v1/uploadsx",
            "/v1/documents",
            "/t/uploads",
            "/v2/uploads",
            "/",
        ] {
            assert!(!is_of_uploads(path), "{path}");
        }
    }
}
