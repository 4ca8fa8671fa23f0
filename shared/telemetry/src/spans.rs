//! Links spans to traces. Without an exporter, nothing happens.

use opentelemetry::trace::{
    SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState,
};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use domain::TraceContext;

/// Sets the parent of `span`, which must not have been entered yet.
pub fn follow_trace(span: &Span, parent: &TraceContext) {
    let (Ok(trace), Ok(parent_span)) = (
        TraceId::from_hex(parent.trace_id()),
        SpanId::from_hex(parent.span_id()),
    ) else {
        return;
    };
    let flags = TraceFlags::default().with_sampled(parent.is_sampled());
    let remote = SpanContext::new(trace, parent_span, flags, true, TraceState::default());
    // Fails if no exporter is installed.
    let _ = span.set_parent(opentelemetry::Context::new().with_remote_span_context(remote));
}

/// Returns the trace context of an exported span, to pass on to the work it causes; `None` without
/// an exporter.
#[must_use]
pub fn place_in_trace(span: &Span) -> Option<TraceContext> {
    let context = span.context();
    let place = context.span().span_context().clone();
    let (trace, span) = (place.trace_id(), place.span_id());
    let sampled = u8::from(place.is_sampled());
    // All-zero ids, which spans have without an exporter, are refused.
    format!("00-{trace}-{span}-{sampled:02x}").parse().ok()
}
