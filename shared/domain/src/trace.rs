//! W3C trace contexts (Trace Context, level 1): received with a request and passed on to its jobs.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

/// A span in a trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceContext {
    trace: String,
    span: String,
    flags: String,
}

/// A text that is not a `traceparent` of version 00.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a traceparent is 00, an id of 32, an id of 16 and flags of 2 hexadecimal digits")]
pub struct InvalidTraceContext;

impl TraceContext {
    /// Starts a new trace with random ids.
    #[must_use]
    pub fn begin(trace: Uuid, span: Uuid) -> Self {
        Self {
            trace: trace.simple().to_string(),
            span: half(span),
            flags: "01".to_owned(),
        }
    }

    /// Creates a child span with a random id.
    #[must_use]
    pub fn child(&self, span: Uuid) -> Self {
        Self {
            span: half(span),
            ..self.clone()
        }
    }

    /// The id of the trace, by which the logs of all processes can be searched.
    #[must_use]
    pub fn trace_id(&self) -> &str {
        &self.trace
    }

    /// The id of the span.
    #[must_use]
    pub fn span_id(&self) -> &str {
        &self.span
    }

    /// Returns whether the trace is sampled by its initiator.
    #[must_use]
    pub fn is_sampled(&self) -> bool {
        let flags = u8::from_str_radix(&self.flags, 16);
        flags.is_ok_and(|flags| flags & 1 == 1)
    }
}

fn half(id: Uuid) -> String {
    id.simple().to_string()[..16].to_owned()
}

impl FromStr for TraceContext {
    type Err = InvalidTraceContext;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut parts = text.split('-');
        let mut part = |length: usize| {
            let digits = |part: &&str| {
                let hexadecimal = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
                part.len() == length && part.bytes().all(hexadecimal)
            };
            let part = parts.next().filter(digits);
            part.map(str::to_owned).ok_or(InvalidTraceContext)
        };
        let (version, trace, span, flags) = (part(2)?, part(32)?, part(16)?, part(2)?);
        let named = |id: &str| id.bytes().any(|byte| byte != b'0');
        if version == "00" && parts.next().is_none() && named(&trace) && named(&span) {
            Ok(Self { trace, span, flags })
        } else {
            Err(InvalidTraceContext)
        }
    }
}

/// Formats the header `traceparent`.
impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { trace, span, flags } = self;
        write!(f, "00-{trace}-{span}-{flags}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIVEN: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_context_is_written_as_it_is_read() {
        let context: TraceContext = GIVEN.parse().unwrap();
        assert_eq!(context.to_string(), GIVEN);
        let child = context.child(Uuid::from_u128(7 << 100));
        assert_eq!(child.trace_id(), context.trace_id());
        assert_ne!(child, context);
        assert_eq!(context.span_id(), "00f067aa0ba902b7");
        assert!(context.is_sampled());
        let unsampled: TraceContext = GIVEN.replace("-01", "-02").parse().unwrap();
        assert!(!unsampled.is_sampled());
        assert_eq!(child.to_string().parse(), Ok(child));
        let begun = TraceContext::begin(Uuid::from_u128(1), Uuid::from_u128(2 << 100));
        assert_eq!(begun.to_string().parse(), Ok(begun));
    }

    #[test]
    fn what_is_no_context_is_refused() {
        for wrong in [
            "",
            "00",
            "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x",
            "00-4bf92f3577b34da6a3ce929d0e0e473é-00f067aa0ba902b7-01",
        ] {
            assert_eq!(
                wrong.parse::<TraceContext>(),
                Err(InvalidTraceContext),
                "{wrong}"
            );
        }
    }
}
