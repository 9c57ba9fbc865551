//! Durations in order.

use std::time::Duration;

/// The duration that `share` of these don't exceed, the shortest being first; zero of none.
pub fn percentile(sorted: &[Duration], share: f64) -> Duration {
    let at = (sorted.len().saturating_sub(1) as f64 * share).round();
    sorted.get(at as usize).copied().unwrap_or_default()
}
