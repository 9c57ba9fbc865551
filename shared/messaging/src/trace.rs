//! The trace context that a message carries.

use lapin::types::{AMQPValue, FieldTable};

use crate::topology;

/// W3C Trace Context §3.2.
const TRACEPARENT: &str = "traceparent";
/// The same format, for the previous attempt: attempts are siblings, or the trace of a step that waits for days would
/// be as deep as it is long.
const PREVIOUS: &str = "cdn-broker-previous-attempt";

/// The position in a trace from which a message was sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trace {
    /// The span that created the step.
    pub parent: Option<String>,
    /// The previous attempt.
    pub previous: Option<String>,
}

impl Trace {
    pub(crate) fn put_into(&self, headers: &mut FieldTable) {
        for (name, value) in [(TRACEPARENT, &self.parent), (PREVIOUS, &self.previous)] {
            if let Some(value) = value {
                headers.insert(name.into(), topology::text(value));
            }
        }
    }

    pub(crate) fn of(headers: Option<&FieldTable>) -> Self {
        let text = |name: &str| match headers?.inner().get(name)? {
            AMQPValue::LongString(text) => Some(text.to_string()),
            _ => None,
        };
        Self {
            parent: text(TRACEPARENT),
            previous: text(PREVIOUS),
        }
    }
}
