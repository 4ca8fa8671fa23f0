//! What gathers spans and exports them: in batches, from a bounded queue, on a thread of its own.
//! What doesn't fit is dropped. A collector that is away is told of once, and once when it is back.

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

/// For how long the end of the process waits for the last spans.
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

/// What exports spans.
#[derive(Debug)]
pub struct Exporter {
    provider: SdkTracerProvider,
}

impl Exporter {
    /// Starts it, if the settings name a collector and the command is a role.
    pub fn start(cli: &Cli, runtime: &Handle) -> anyhow::Result<Option<Self>> {
        if !cli.is_role() {
            return Ok(None);
        }
        let Some(endpoint) = cli.settings.tracing.endpoint()? else {
            return Ok(None);
        };
        let client = CollectorClient::new(runtime)
            .context("the certificates of the system could not be read")?;
        let exporter = opentelemetry_otlp::SpanExporter::builder()
            .with_http()
            .with_http_client(client)
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(endpoint.traces())
            .build()
            .context("spans could not be exported")?;
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

    /// The layer that hands spans to it.
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

    /// Exports what is left, if that can be done in a moment.
    pub fn end(self) {
        if let Err(error) = self.provider.shutdown_with_timeout(LAST_WORDS) {
            warn!(error = %error, "the last spans were not exported");
        }
    }
}

/// Who exports: `dossier`, unless the standard variables say otherwise.
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

/// Spans of ours, and what is told of in them; what is only for a search for faults stays in the log.
fn is_ours(metadata: &Metadata<'_>) -> bool {
    let room = metadata.target().split("::").next().unwrap_or_default();
    OURS.contains(&room) && (metadata.is_span() || *metadata.level() <= Level::INFO)
}

/// An exporter whose spans speak the words of OpenTelemetry, and whose failures are told.
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
                warn!(error = %error, "spans can't be exported and are dropped");
            }
            Ok(()) if was_away => info!("spans are exported again"),
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
