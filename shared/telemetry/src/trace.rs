//! Traces across processes, delays and attempts: W3C trace contexts that messages carry.

use std::collections::HashMap;

use opentelemetry::propagation::TextMapPropagator as _;
use opentelemetry::trace::TraceContextExt as _;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

/// The current span as a W3C `traceparent`, to be sent along with a message.
pub fn traceparent() -> Option<String> {
    let mut carrier = HashMap::new();
    TraceContextPropagator::new().inject_context(&tracing::Span::current().context(), &mut carrier);
    carrier.remove("traceparent")
}

/// Makes `span` a child of the trace context in a message.
pub fn follow(span: &tracing::Span, traceparent: Option<String>) {
    if let Some(value) = traceparent {
        // Without a tracer there is no trace to follow, which is not an error.
        let _ = span.set_parent(context(value));
    }
}

/// Links `span` to another one, such as the previous attempt.
pub fn link(span: &tracing::Span, traceparent: Option<String>) {
    if let Some(value) = traceparent {
        let other = context(value).span().span_context().clone();
        if other.is_valid() {
            span.add_link(other);
        }
    }
}

fn context(traceparent: String) -> opentelemetry::Context {
    let carrier = HashMap::from([("traceparent".to_string(), traceparent)]);
    TraceContextPropagator::new().extract(&carrier)
}
