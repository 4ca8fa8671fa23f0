//! Metrics, traces and logs.

mod metrics;
mod tracing;
