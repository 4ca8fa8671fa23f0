//! Log records, one line each, to standard error; and spans to whoever takes them.

use std::io::IsTerminal as _;

use anyhow::anyhow;
use settings::{LogFormat, Settings};
use tracing_subscriber::layer::{Layer, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, fmt, registry};

use crate::one_line::OneLine;
use crate::span_export::Exporter;

/// Starts logging as the settings say, unless their filter can't be read.
pub fn start(settings: &Settings, exporter: Option<&Exporter>) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(&settings.log)
        .map_err(|error| anyhow!("DOSSIER_LOG: '{}': {error}", settings.log))?
        // What the pool says of each session that it could not open: whoever waits for one is told.
        .add_directive("sqlx_core::pool::inner=off".parse()?)
        // What it says of each migration: how many were applied is told once.
        .add_directive("sea_orm_migration=warn".parse()?);
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
        // Spans have a filter of their own: traces are whole, whatever is logged.
        Some(exporter) => registry()
            .with(lines.with_filter(filter))
            .with(exporter.layer())
            .init(),
    }
    Ok(())
}
