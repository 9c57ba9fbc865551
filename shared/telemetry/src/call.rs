//! Calls to external systems: a span and metrics for each, in the same form for all.

use std::borrow::Cow;
use std::time::Instant;

use tracing::Span;
use tracing::field::Empty;

/// A call in progress. One that is dropped before it ended counts as aborted.
#[derive(Debug)]
#[must_use]
pub struct Call {
    span: Span,
    peer: &'static str,
    operation: Cow<'static, str>,
    begun: Instant,
    ended: bool,
}

impl Call {
    /// Starts a call, as a child of the current span. `peer` is the other side (`cloudfront`, `iam`, `acme`, `dns`,
    /// `http-01`, `dns-write`, `platform`, `smtp`), `operation` the purpose: few different values, since each is a time series.
    pub fn begin(peer: &'static str, operation: impl Into<Cow<'static, str>>) -> Self {
        let operation = operation.into();
        let name = format!("{peer} {operation}");
        Self {
            span: tracing::info_span!("call", otel.name = name, otel.kind = "client", peer, %operation, outcome = Empty),
            peer,
            operation,
            begun: Instant::now(),
            ended: false,
        }
    }

    /// Ends the call: `outcome` is the response's code, or why there was none; again few different values.
    pub fn ended(mut self, outcome: &str) {
        self.conclude(outcome);
    }

    fn conclude(&mut self, outcome: &str) {
        self.ended = true;
        self.span.record("outcome", outcome);
        metrics::counter!(
            "outside_calls_total", "peer" => self.peer, "operation" => self.operation.clone(), "outcome" => outcome.to_owned()
        )
        .increment(1);
        metrics::histogram!("outside_call_duration_seconds", "peer" => self.peer, "operation" => self.operation.clone())
            .record(self.begun.elapsed());
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        if !self.ended {
            self.conclude("broken-off");
        }
    }
}
