//! Metrics for Prometheus, on the operators' port only; no token is needed.

use std::time::Duration;

use poem_openapi::OpenApi;
use poem_openapi::payload::{PlainText, Response as WithHeader};
use tokio::runtime::Handle;

use crate::auth::Anyone;
use crate::openapi::{Documented, Group, problem_sets};
use crate::service::Service;
use crate::waiting::Waiters;

problem_sets! {
    /// What the meters can answer besides themselves.
    MetricsProblems { Invalid }
}

/// How long to wait for the ledger's metrics beyond their own timeout.
const PATIENCE: Duration = Duration::from_secs(4);

/// The form of the text (`OpenMetrics`, section 4).
const FORM: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The route of the meters.
#[derive(Clone, Debug)]
pub struct MetricsRoutes {
    /// What the process works with.
    pub service: Service,
    /// Requests that wait for a document.
    pub waiters: Waiters,
    /// The runtime that works with the ledger.
    pub runtime: Handle,
}

#[OpenApi(tag = "Group::Service")]
impl MetricsRoutes {
    /// Read the metrics of this process
    #[oai(path = "/metrics", method = "get", operation_id = "metrics")]
    async fn metrics(
        &self,
        _anyone: Anyone,
    ) -> Result<WithHeader<PlainText<String>>, Documented<MetricsProblems>> {
        let Service {
            meters,
            db,
            clock,
            capacity,
            ..
        } = self.service.clone();
        meters.waiting(self.waiters.count());
        capacity.show();
        let looking = meters.clone();
        let look = self
            .runtime
            .spawn(async move { looking.look(&db, clock.now()).await });
        // What was seen last is shown when the runtime of the API is overrun.
        let _ = tokio::time::timeout(PATIENCE, look).await;
        Ok(WithHeader::new(PlainText(meters.text())).header("Content-Type", FORM))
    }
}
