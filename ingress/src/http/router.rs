//! The outermost layer: matches each request to its route once, for all layers and handlers.

use poem::{Endpoint, Request, Response, Result};

use super::route_table::RouteTable;

/// An endpoint whose requests carry their [`super::route_table::RouteMatch`].
pub struct Router<E> {
    inner: E,
    table: RouteTable,
}

impl<E> Router<E> {
    /// Matches the requests to `inner` by `table`.
    pub const fn new(inner: E, table: RouteTable) -> Self {
        Self { inner, table }
    }
}

impl<E: Endpoint<Output = Response>> Endpoint for Router<E> {
    type Output = Response;

    async fn call(&self, mut request: Request) -> Result<Response> {
        let found = self.table.find(request.method(), request.uri().path());
        request.set_data(found);
        self.inner.call(request).await
    }
}
