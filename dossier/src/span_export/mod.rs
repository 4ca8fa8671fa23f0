//! Span export by OTLP, in the background: it never delays the work.

mod client;
mod conventions;
mod exporter;

pub use exporter::Exporter;
