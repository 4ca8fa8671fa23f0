//! Sets up logging to standard error, one line per record, and span export.

use std::io::IsTerminal as _;

use anyhow::anyhow;
use settings::{LogFormat, Settings};
use tracing_subscriber::layer::{Layer, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, fmt, registry};

use crate::one_line::OneLine;
use crate::span_export::Exporter;

/// Starts logging as configured. Fails if the filter is invalid.
pub fn start(settings: &Settings, exporter: Option<&Exporter>) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(&settings.log)
        .map_err(|error| anyhow!("DOSSIER_LOG: '{}': {error}", settings.log))?
        // The pool logs each failed connection; the caller reports the error as well.
        .add_directive("sqlx_core::pool::inner=off".parse()?)
        // It logs each migration; we log their number once.
        .add_directive("sea_orm_migration=warn".parse()?)
        // It logs each queue of a worker; we log the worker once.
        .add_directive("apalis_core::worker::context=warn".parse()?);
    let terminal = std::io::stderr().is_terminal();
    let format = settings.log_format.unwrap_or(if terminal {
        LogFormat::Human
    } else {
        LogFormat::Json
    });
    let lines = fmt::layer().with_writer(|| OneLine(std::io::stderr()));
    let lines = match format {
        LogFormat::Human => lines.with_ansi(terminal).boxed(),
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    };
    match exporter {
        None => registry().with(lines).with(filter).init(),
        // Spans have their own filter, so that traces are complete whatever is logged.
        Some(exporter) => registry()
            .with(lines.with_filter(filter))
            .with(exporter.layer())
            .init(),
    }
    Ok(())
}
