//! The outermost layer: counts and times every answer by the documented pattern of its route,
//! never by the path that was asked for.

use std::sync::Arc;
use std::time::Instant;

use poem::{Endpoint, Request, Response, Result};
use telemetry::Meters;

use super::RouteTable;

/// An endpoint whose answers are counted.
pub struct HttpMetrics<E> {
    inner: E,
    table: Arc<RouteTable>,
    meters: Meters,
}

impl<E: Endpoint<Output = Response>> HttpMetrics<E> {
    /// Counts the answers of `inner`, whose routes are those of `table`.
    pub const fn new(inner: E, table: Arc<RouteTable>, meters: Meters) -> Self {
        Self {
            inner,
            table,
            meters,
        }
    }
}

impl<E: Endpoint<Output = Response>> Endpoint for HttpMetrics<E> {
    type Output = Response;

    async fn call(&self, request: Request) -> Result<Response> {
        let begun = Instant::now();
        let method = request.method().clone();
        let route = self.table.find(&method, request.uri().path()).ok();
        let response = self.inner.get_response(request).await;
        let pattern = route.as_ref().map(|route| route.pattern.as_str());
        let status = response.status().as_u16();
        self.meters
            .answered(method.as_str(), pattern, status, begun.elapsed());
        Ok(response)
    }
}
