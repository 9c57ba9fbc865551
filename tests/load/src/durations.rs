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
