//! Where a request belongs in a trace: taken in with it, and handed on to the jobs it leads to.

use poem::Request;
use shared::domain::TraceContext;
use uuid::Uuid;

/// The place of the request in the trace that its client tells of, or in a new one.
pub fn trace_of(request: &Request) -> TraceContext {
    let sent = request
        .header("traceparent")
        .map(str::parse::<TraceContext>);
    match sent {
        Some(Ok(trace)) => trace.child(Uuid::new_v4()),
        _ => TraceContext::begin(Uuid::new_v4(), Uuid::new_v4()),
    }
}

/// Where the request belongs, for the job that it leads to.
pub fn traceparent(request: &Request) -> Option<String> {
    request.data::<TraceContext>().map(TraceContext::to_string)
}
