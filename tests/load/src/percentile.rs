//! Durations in order.

use std::time::Duration;

use chaos::facts::{End, Kind, Seen};

/// How long the operations of this kind took that succeeded, the shortest first.
pub(crate) fn durations(seen: &Seen, kind: Kind) -> Vec<Duration> {
    let mut all: Vec<Duration> = seen
        .operations
        .iter()
        .filter(|asked| asked.kind == kind)
        .filter_map(|asked| match &asked.ended {
            Some((took, End::Succeeded)) => Some(*took),
            _ => None,
        })
        .collect();
    all.sort_unstable();
    all
}

/// The duration that `share` of them don't exceed; zero of none.
pub(crate) fn at(sorted: &[Duration], share: f64) -> Duration {
    let at = (sorted.len().saturating_sub(1) as f64 * share).round();
    sorted.get(at as usize).copied().unwrap_or_default()
}
