//! Sorted durations.

use std::time::Duration;

use chaos::facts::{End, Kind, Seen};

/// The durations of the successful operations of this kind, sorted.
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
