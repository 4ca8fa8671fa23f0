//! Where spans belong in a trace, for those that export them. Nothing happens if nobody does.

use opentelemetry::trace::{
    SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState,
};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use domain::TraceContext;

/// Makes `span` a part of the trace that work came in with. It must not have been entered yet.
pub fn follow_trace(span: &Span, parent: &TraceContext) {
    let (Ok(trace), Ok(parent_span)) = (
        TraceId::from_hex(parent.trace_id()),
        SpanId::from_hex(parent.span_id()),
    ) else {
        return;
    };
    let flags = TraceFlags::default().with_sampled(parent.is_sampled());
    let remote = SpanContext::new(trace, parent_span, flags, true, TraceState::default());
    // It fails if nobody exports spans.
    let _ = span.set_parent(opentelemetry::Context::new().with_remote_span_context(remote));
}

/// The place of an exported span, to hand on to the work that follows from it; `None` if
/// nobody exports spans.
#[must_use]
pub fn place_in_trace(span: &Span) -> Option<TraceContext> {
    let context = span.context();
    let place = context.span().span_context().clone();
    let (trace, span) = (place.trace_id(), place.span_id());
    let sampled = u8::from(place.is_sampled());
    // Ids of nothing but zeros, which a span without an exporter has, are refused.
    format!("00-{trace}-{span}-{sampled:02x}").parse().ok()
}
