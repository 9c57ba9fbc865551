//! An operation that ended: counted once its transaction is committed. A commit whose answer is lost is not counted, so
//! a figure can be too low by that, never too high.

use std::time::Duration;

use pipeline::{OperationKind, OperationState};

/// What there is to count of it. One that was superseded has neither succeeded nor failed and is not counted.
#[must_use = "it is counted after the commit"]
pub(crate) struct Ended {
    pub(crate) kind: OperationKind,
    pub(crate) outcome: OperationState,
    /// Since it was accepted.
    pub(crate) took: Duration,
}

impl Ended {
    /// Counts it; the transaction is committed.
    pub(crate) fn count(&self) {
        let (kind, outcome) = (self.kind.as_str(), self.outcome.as_str());
        metrics::counter!("operations_total", "kind" => kind, "outcome" => outcome).increment(1);
        metrics::histogram!("operation_duration_seconds", "kind" => kind, "outcome" => outcome).record(self.took);
    }
}
