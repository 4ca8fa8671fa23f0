//! Maps our spans to OpenTelemetry's semantic conventions: names, kinds and statuses. Span names
//! hold no ids.

use opentelemetry::trace::{SpanKind, Status};
use opentelemetry::{Key, KeyValue};
use opentelemetry_sdk::trace::SpanData;

/// Our fields and their names in the semantic conventions.
const FIELDS: [(&str, &str); 3] = [
    ("http.method", "http.request.method"),
    ("http.status", "http.response.status_code"),
    ("trace.id", ""),
];

/// Converts a span.
pub fn translate(span: &mut SpanData) {
    let field = |name: &str| {
        let found = |field: &&KeyValue| field.key.as_str() == name;
        let field = span.attributes.iter().find(found)?;
        Some(field.value.as_str().into_owned())
    };
    let failed = match span.name.as_ref() {
        "request" => {
            span.span_kind = SpanKind::Server;
            // Without a route the method may be any text.
            span.name = match (field("http.method"), field("http.route")) {
                (Some(method), Some(route)) => format!("{method} {route}").into(),
                _ => "HTTP".into(),
            };
            field("http.status").is_some_and(|status| status.starts_with('5'))
        }
        "job" => {
            span.span_kind = SpanKind::Consumer;
            let failed = field("job.outcome").is_some_and(|outcome| outcome == "error");
            named(span, "job", "job.kind");
            failed
        }
        "step" => {
            let failed = field("step.outcome").is_some_and(|outcome| outcome == "error");
            named(span, "step", "step.kind");
            failed
        }
        "storage" => {
            span.span_kind = SpanKind::Client;
            let failed = field("storage.outcome").is_some_and(|outcome| outcome == "error");
            named(span, "storage", "storage.operation");
            failed
        }
        _ => false,
    };
    if failed {
        span.status = Status::error("");
    }
    rename(&mut span.attributes);
}

fn named(span: &mut SpanData, family: &str, by: &str) {
    let by = span
        .attributes
        .iter()
        .find(|field| field.key.as_str() == by);
    if let Some(by) = by {
        span.name = format!("{family} {}", by.value.as_str()).into();
    }
}

fn rename(attributes: &mut Vec<KeyValue>) {
    attributes.retain_mut(|field| {
        let known = FIELDS.iter().find(|(ours, _)| field.key.as_str() == *ours);
        if let Some((_, theirs)) = known {
            field.key = Key::from_static_str(theirs);
        }
        !field.key.as_str().is_empty()
    });
}
