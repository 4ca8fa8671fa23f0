//! Counts and times every answer by its route's documented pattern, never by the requested path.

use std::time::Instant;

use poem::{Endpoint, Request, Response, Result};
use telemetry::Meters;

use super::route_table::Route;

/// An endpoint whose answers are counted.
pub struct HttpMetrics<E> {
    inner: E,
    meters: Meters,
}

impl<E> HttpMetrics<E> {
    /// Counts the answers of `inner`.
    pub const fn new(inner: E, meters: Meters) -> Self {
        Self { inner, meters }
    }
}

impl<E: Endpoint<Output = Response>> Endpoint for HttpMetrics<E> {
    type Output = Response;

    async fn call(&self, request: Request) -> Result<Response> {
        let begun = Instant::now();
        let method = request.method().clone();
        let route = Route::of(&request).cloned();
        let response = self.inner.get_response(request).await;
        let pattern = route.as_ref().map(|route| route.pattern.as_str());
        let status = response.status().as_u16();
        self.meters
            .answered(method.as_str(), pattern, status, begun.elapsed());
        Ok(response)
    }
}
