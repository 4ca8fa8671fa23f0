//! Cross-origin requests of browsers (the Fetch standard, section 3.3): for the origins that the operator names.
//!
//! Tokens travel in a header field that scripts set themselves, so no credentials are allowed.

use std::sync::Arc;

use poem::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD,
    HeaderValue, ORIGIN, VARY,
};
use poem::http::{Method, StatusCode};
use poem::{Endpoint, Request, Response, Result};
use settings::CorsOrigin;

/// What scripts of allowed origins may send.
const METHODS: &str = "GET, HEAD, POST, PUT, PATCH, DELETE";
const HEADERS: &str = "Authorization, Content-Type, Content-Digest, Repr-Digest, If-Match, If-None-Match, \
     If-Modified-Since, If-Range, Range, Idempotency-Key, Prefer, X-Request-Id, Traceparent";
/// What scripts may read of answers, beyond what they always may.
const EXPOSED: &str = "ETag, Location, Retry-After, Content-Range, Accept-Ranges, Content-Disposition, Repr-Digest, \
     Idempotency-Replayed, Preference-Applied, WWW-Authenticate, Allow, X-Request-Id, RateLimit, RateLimit-Policy";
/// How long a browser may remember what it was allowed, in seconds.
const MAX_AGE: &str = "600";

/// An endpoint that scripts of other origins may use.
pub struct CrossOrigin<E> {
    inner: E,
    origins: Arc<[CorsOrigin]>,
}

impl<E> CrossOrigin<E> {
    /// Lets scripts of `origins` use `inner`; without any, nothing changes.
    pub fn new(inner: E, origins: &[CorsOrigin]) -> Self {
        Self {
            inner,
            origins: origins.into(),
        }
    }

    fn allowed(&self, request: &Request) -> Option<HeaderValue> {
        let origin = request.headers().get(ORIGIN)?;
        let text = origin.to_str().ok()?;
        let allowed = self.origins.iter().any(|allowed| allowed.allows(text));
        allowed.then(|| origin.clone())
    }
}

impl<E: Endpoint<Output = Response>> Endpoint for CrossOrigin<E> {
    type Output = Response;

    async fn call(&self, request: Request) -> Result<Response> {
        if self.origins.is_empty() {
            return self.inner.call(request).await;
        }
        let origin = self.allowed(&request);
        let mut response = match &origin {
            Some(_) if is_preflight(&request) => preflight(),
            _ => self.inner.call(request).await?,
        };
        let headers = response.headers_mut();
        headers.append(VARY, HeaderValue::from_static("Origin"));
        if let Some(origin) = origin {
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            headers.insert(
                ACCESS_CONTROL_EXPOSE_HEADERS,
                HeaderValue::from_static(EXPOSED),
            );
        }
        Ok(response)
    }
}

fn is_preflight(request: &Request) -> bool {
    request.method() == Method::OPTIONS
        && request
            .headers()
            .contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}

/// The answer to a browser that asks before it sends the request itself.
fn preflight() -> Response {
    Response::builder()
        .status(StatusCode::NO_CONTENT)
        .header(ACCESS_CONTROL_ALLOW_METHODS, METHODS)
        .header(ACCESS_CONTROL_ALLOW_HEADERS, HEADERS)
        .header(ACCESS_CONTROL_MAX_AGE, MAX_AGE)
        .finish()
}
