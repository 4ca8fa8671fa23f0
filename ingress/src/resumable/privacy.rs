//! What keeps the secret of a ticket's URL: answers behind it are in no cache, and no page that they
//! lead to is told where it was come from.

use poem::http::HeaderValue;
use poem::http::header::{CACHE_CONTROL, HeaderName, REFERRER_POLICY};
use poem::{Endpoint, Request, Response, Result};

/// Tells search engines to leave a page out.
const ROBOTS: HeaderName = HeaderName::from_static("x-robots-tag");

/// An endpoint whose answers behind tickets are private.
pub struct TicketPrivacy<E>(pub E);

impl<E: Endpoint<Output = Response>> Endpoint for TicketPrivacy<E> {
    type Output = Response;

    async fn call(&self, request: Request) -> Result<Response> {
        if !request.uri().path().starts_with("/t/") {
            return self.0.call(request).await;
        }
        let mut response = self.0.get_response(request).await;
        let headers = response.headers_mut();
        headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(ROBOTS, HeaderValue::from_static("noindex"));
        Ok(response)
    }
}
