//! Exports spans in batches from a bounded queue on its own thread. Spans that don't fit are
//! dropped. An outage of the collector is logged once, and so is its end.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{Protocol, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SdkTracerProvider, SpanData, SpanExporter};
use tokio::runtime::Handle;
use tracing::{Level, Metadata, Subscriber, info, warn};
use tracing_subscriber::filter::{FilterExt as _, LevelFilter, filter_fn};
use tracing_subscriber::layer::Layer;
use tracing_subscriber::registry::LookupSpan;

use super::client::CollectorClient;
use super::conventions::translate;
use crate::cli::Cli;

/// How long shutdown waits for the last spans.
const LAST_WORDS: Duration = Duration::from_secs(3);

/// The crates whose spans are exported.
const OURS: [&str; 9] = [
    "ingress",
    "worker",
    "dossier",
    "domain",
    "storage",
    "queue",
    "ledger",
    "settings",
    "telemetry",
];

/// The exporter.
#[derive(Debug)]
pub struct Exporter {
    provider: SdkTracerProvider,
}

impl Exporter {
    /// Starts the exporter if a collector is configured and the command runs a role.
    pub fn start(cli: &Cli, runtime: &Handle) -> anyhow::Result<Option<Self>> {
        if !cli.is_role() {
            return Ok(None);
        }
        let Some(endpoint) = cli.settings.tracing.endpoint()? else {
            return Ok(None);
        };
        let client =
            CollectorClient::new(runtime).context("failed to read the system's certificates")?;
        let exporter = opentelemetry_otlp::SpanExporter::builder()
            .with_http()
            .with_http_client(client)
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(endpoint.traces())
            .build()
            .context("failed to set up span export")?;
        let told = Told {
            inner: exporter,
            is_away: AtomicBool::new(false),
        };
        let provider = SdkTracerProvider::builder()
            .with_resource(resource())
            .with_batch_exporter(told)
            .build();
        Ok(Some(Self { provider }))
    }

    /// Returns the tracing layer that feeds it.
    pub fn layer<S>(&self) -> impl Layer<S> + Send + Sync + use<S>
    where
        S: Subscriber + for<'span> LookupSpan<'span> + Send + Sync,
    {
        let ours = filter_fn(is_ours).and(LevelFilter::DEBUG);
        tracing_opentelemetry::layer()
            .with_tracer(self.provider.tracer("dossier"))
            .with_location(false)
            .with_threads(false)
            .with_tracked_inactivity(false)
            .with_target(false)
            .with_filter(ours)
    }

    /// Exports the remaining spans within the time limit.
    pub fn end(self) {
        if let Err(error) = self.provider.shutdown_with_timeout(LAST_WORDS) {
            warn!(error = %error, "failed to export the last spans");
        }
    }
}

/// The service's resource: named `dossier` unless the standard variables override it.
fn resource() -> Resource {
    let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
    let named = std::env::var("OTEL_SERVICE_NAME").is_ok_and(|name| !name.trim().is_empty());
    let resource = Resource::builder().with_attribute(version);
    if named {
        resource.build()
    } else {
        resource.with_service_name("dossier").build()
    }
}

/// Selects our spans and their events; debug events stay in the log.
fn is_ours(metadata: &Metadata<'_>) -> bool {
    let room = metadata.target().split("::").next().unwrap_or_default();
    OURS.contains(&room) && (metadata.is_span() || *metadata.level() <= Level::INFO)
}

/// Wraps an exporter: converts spans, and logs failures.
#[derive(Debug)]
struct Told {
    inner: opentelemetry_otlp::SpanExporter,
    is_away: AtomicBool,
}

impl SpanExporter for Told {
    async fn export(&self, mut batch: Vec<SpanData>) -> OTelSdkResult {
        for span in &mut batch {
            translate(span);
        }
        let result = self.inner.export(batch).await;
        let was_away = self.is_away.swap(result.is_err(), Ordering::Relaxed);
        match &result {
            Err(error) if !was_away => {
                warn!(error = %error, "failed to export spans; dropping them");
            }
            Ok(()) if was_away => info!("span export has recovered"),
            _ => {}
        }
        result
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.inner.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}
