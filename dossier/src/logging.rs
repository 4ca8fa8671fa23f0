//! Log records, one line each, to standard error.

use std::io::IsTerminal as _;

use shared::settings::{LogFormat, Settings};
use tracing_subscriber::EnvFilter;

use crate::one_line::OneLine;

/// Starts logging as the settings say. A filter that can't be read falls back to `info`.
pub fn start(settings: &Settings) {
    let terminal = std::io::stderr().is_terminal();
    let format = settings.log_format.unwrap_or(if terminal {
        LogFormat::Human
    } else {
        LogFormat::Json
    });
    let filter = EnvFilter::try_new(&settings.log).unwrap_or_else(|_| EnvFilter::new("info"));
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(|| OneLine(std::io::stderr()));
    match format {
        LogFormat::Human => subscriber.with_ansi(terminal).init(),
        LogFormat::Json => subscriber.json().flatten_event(true).init(),
    }
}
