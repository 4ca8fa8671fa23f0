//! Cross-origin requests of browsers (CORS; the Fetch standard, section 3.3) from the configured
//! origins.
//!
//! Requests refused before an endpoint sees them get the same fields, since a script could not read
//! the refusal otherwise.
//!
//! Tokens travel in a header field that scripts set themselves, so no credentials are allowed.
//!
//! `poem::middleware::Cors` refuses requests of other origins with 403 instead of leaving them to
//! the browser, takes every `OPTIONS` for a preflight, overwrites the `Vary` of an answer and
//! leaves it out of those without an origin, so that a cache would mix them up.

use std::sync::Arc;

use poem::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD,
    HeaderValue, ORIGIN, VARY,
};
use poem::http::{Method, StatusCode};
use poem::{Endpoint, Request, Response, Result};
use settings::CorsOrigin;

/// Methods that scripts of allowed origins may use.
const METHODS: &str = "GET, HEAD, POST, PUT, PATCH, DELETE";
const HEADERS: &str = "Authorization, Content-Type, Content-Disposition, Content-Digest, Repr-Digest, If-Match, If-None-Match, \
     If-Modified-Since, If-Range, Range, Idempotency-Key, Last-Event-ID, Prefer, X-Request-Id, Traceparent, \
     Tus-Resumable, Upload-Length, Upload-Offset, Upload-Metadata, Upload-Defer-Length, Upload-Concat, \
     Upload-Checksum, X-HTTP-Method-Override, X-Requested-With, Upload-Complete, Upload-Draft-Interop-Version";
/// Response fields that scripts may read beyond the safelisted ones.
const EXPOSED: &str = "ETag, Location, Retry-After, Content-Range, Accept-Ranges, Content-Disposition, Repr-Digest, \
     Idempotency-Replayed, Preference-Applied, WWW-Authenticate, Allow, X-Request-Id, RateLimit, RateLimit-Policy, \
     Tus-Resumable, Tus-Version, Tus-Extension, Tus-Max-Size, Tus-Checksum-Algorithm, Upload-Offset, \
     Upload-Length, Upload-Metadata, Upload-Defer-Length, Upload-Concat, Upload-Expires, Upload-Complete, \
     Upload-Limit, Upload-Draft-Interop-Version, Dossier-Document, Dossier-Version";
/// How long browsers may cache a preflight, in seconds.
const MAX_AGE: &str = "600";

/// The allowed origins; clones share the list.
#[derive(Clone, Debug, Default)]
pub struct AllowedOrigins(Arc<[CorsOrigin]>);

/// The CORS fields of one response; by default none.
#[derive(Debug, Default)]
pub struct OriginGrant {
    /// The origin, if allowed.
    origin: Option<HeaderValue>,
    /// Whether answers depend on the origin at all.
    varies: bool,
    is_preflight: bool,
}

/// An endpoint with CORS.
pub struct CrossOrigin<E> {
    inner: E,
    origins: AllowedOrigins,
}

impl AllowedOrigins {
    /// Allows `origins`; without any, nothing changes.
    #[must_use]
    pub fn new(origins: &Arc<[CorsOrigin]>) -> Self {
        Self(Arc::clone(origins))
    }

    /// Returns the CORS fields of the response to `request`.
    pub fn grant(&self, request: &Request) -> OriginGrant {
        let allowed = |origin: &&HeaderValue| {
            let text = origin.to_str();
            text.is_ok_and(|text| self.0.iter().any(|allowed| allowed.allows(text)))
        };
        // Behind the URL of a ticket only the ticket's own origin counts.
        if self.0.is_empty() || request.uri().path().starts_with("/t/") {
            return OriginGrant::default();
        }
        let origin = request.headers().get(ORIGIN);
        OriginGrant::of(request, origin.filter(allowed))
    }
}

impl OriginGrant {
    /// Returns the fields of the response to `request`, from an origin that is allowed or none. Answers
    /// depend on the origin.
    pub fn of(request: &Request, origin: Option<&HeaderValue>) -> Self {
        Self {
            origin: origin.cloned(),
            varies: true,
            is_preflight: is_preflight(request),
        }
    }

    /// Answers a preflight request.
    pub fn preflight(&self) -> Option<Response> {
        (self.origin.is_some() && self.is_preflight).then(preflight)
    }

    /// Adds the fields to a response.
    pub fn show_in(self, response: &mut Response) {
        if !self.varies {
            return;
        }
        let headers = response.headers_mut();
        headers.append(VARY, HeaderValue::from_static("Origin"));
        if let Some(origin) = self.origin {
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            headers.insert(
                ACCESS_CONTROL_EXPOSE_HEADERS,
                HeaderValue::from_static(EXPOSED),
            );
        }
    }
}

impl<E> CrossOrigin<E> {
    /// Wraps `inner` for scripts of `origins`.
    pub const fn new(inner: E, origins: AllowedOrigins) -> Self {
        Self { inner, origins }
    }
}

impl<E: Endpoint<Output = Response>> Endpoint for CrossOrigin<E> {
    type Output = Response;

    async fn call(&self, request: Request) -> Result<Response> {
        let grant = self.origins.grant(&request);
        let mut response = match grant.preflight() {
            Some(preflight) => preflight,
            None => self.inner.call(request).await?,
        };
        grant.show_in(&mut response);
        Ok(response)
    }
}

fn is_preflight(request: &Request) -> bool {
    request.method() == Method::OPTIONS
        && request
            .headers()
            .contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}

/// Answers a preflight request.
fn preflight() -> Response {
    Response::builder()
        .status(StatusCode::NO_CONTENT)
        .header(ACCESS_CONTROL_ALLOW_METHODS, METHODS)
        .header(ACCESS_CONTROL_ALLOW_HEADERS, HEADERS)
        .header(ACCESS_CONTROL_MAX_AGE, MAX_AGE)
        .finish()
}
