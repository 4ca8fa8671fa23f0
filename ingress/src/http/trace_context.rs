//! Trace context (W3C): read from a request, and passed on to the jobs that it enqueues.

use domain::TraceContext;
use poem::Request;
use telemetry::{follow_trace, place_in_trace};
use tracing::Span;
use uuid::Uuid;

/// Links the request's `span` to the client's trace, or starts a new one.
pub fn trace_of(request: &Request, span: &Span) -> TraceContext {
    let sent = request
        .header("traceparent")
        .and_then(|sent| sent.parse::<TraceContext>().ok());
    if let Some(sent) = &sent {
        follow_trace(span, sent);
    }
    place_in_trace(span).unwrap_or_else(|| match sent {
        Some(sent) => sent.child(Uuid::new_v4()),
        None => TraceContext::begin(Uuid::new_v4(), Uuid::new_v4()),
    })
}

/// Returns the trace context for the jobs that the request enqueues.
pub fn traceparent(request: &Request) -> Option<String> {
    request.data::<TraceContext>().map(TraceContext::to_string)
}
