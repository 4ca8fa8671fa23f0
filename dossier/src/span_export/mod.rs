//! Spans on their way to a collector, by OTLP: beside the work, which they never hold up.

mod client;
mod conventions;
mod exporter;

pub use exporter::Exporter;
