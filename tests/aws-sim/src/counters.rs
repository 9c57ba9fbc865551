//! How often each operation was called, and with what result.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Calls of one operation.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Calls {
    /// All calls.
    pub calls: u64,
    /// Calls by result: `OK`, an error code, or `Closed` for a connection dropped by a fault.
    pub results: BTreeMap<String, u64>,
}

/// Calls by `service:Operation`.
#[derive(Debug, Default)]
pub struct Counters(Mutex<BTreeMap<String, Calls>>);

impl Counters {
    /// Counts one call.
    pub fn count(&self, action: &str, result: &str) {
        let mut counters = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let calls = counters.entry(action.to_owned()).or_default();
        calls.calls += 1;
        *calls.results.entry(result.to_owned()).or_default() += 1;
    }

    /// All counters so far.
    pub fn all(&self) -> BTreeMap<String, Calls> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Starts again from zero.
    pub fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
