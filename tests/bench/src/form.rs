//! The long form, whose figures are published, and the short one.

use std::time::Duration;

/// Which form.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Form {
    pub(crate) short: bool,
}

impl Form {
    /// How often floor and product are measured, in turns.
    pub(crate) fn rounds(&self) -> usize {
        self.pick(5, 2)
    }

    /// One value of two.
    pub(crate) fn pick<T>(&self, long: T, short: T) -> T {
        if self.short { short } else { long }
    }

    /// The same, in seconds.
    pub(crate) fn seconds(&self, long: u64, short: u64) -> Duration {
        Duration::from_secs(self.pick(long, short))
    }
}
