//! Log records, one line each, to standard error; and spans to whoever takes them.

use std::io::IsTerminal as _;

use shared::settings::{LogFormat, Settings};
use tracing_subscriber::layer::{Layer, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, fmt, registry};

use crate::one_line::OneLine;
use crate::telemetry::Exporter;

/// Starts logging as the settings say. A filter that can't be read falls back to `info`.
pub fn start(settings: &Settings, exporter: Option<&Exporter>) {
    let terminal = std::io::stderr().is_terminal();
    let format = settings.log_format.unwrap_or(if terminal {
        LogFormat::Human
    } else {
        LogFormat::Json
    });
    let filter = EnvFilter::try_new(&settings.log).unwrap_or_else(|_| EnvFilter::new("info"));
    let lines = fmt::layer().with_writer(|| OneLine(std::io::stderr()));
    let lines = match format {
        LogFormat::Human => lines.with_ansi(terminal).boxed(),
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    };
    match exporter {
        None => registry().with(lines).with(filter).init(),
        // Spans have a filter of their own: traces are whole, whatever is logged.
        Some(exporter) => registry()
            .with(lines.with_filter(filter))
            .with(exporter.layer())
            .init(),
    }
}
