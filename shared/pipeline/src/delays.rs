//! The delays that wake-ups can have.

use std::time::Duration;

/// The delays that wake-ups can have, increasing (`DELAY_QUEUES_MS`); none: any.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Delays(Vec<Duration>);

impl FromIterator<Duration> for Delays {
    fn from_iter<I: IntoIterator<Item = Duration>>(delays: I) -> Self {
        Self(delays.into_iter().collect())
    }
}

impl Delays {
    /// The nearest to this one, so that a step is due when its wake-up comes. The delay itself if none is near: at most a fifth
    /// shorter or a quarter longer.
    pub fn nearest(&self, delay: Duration) -> Duration {
        let near = self
            .0
            .iter()
            .copied()
            .filter(|possible| *possible * 5 >= delay * 4 && *possible * 4 <= delay * 5);
        near.min_by_key(|possible| possible.abs_diff(delay)).unwrap_or(delay)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_is_taken_unless_it_is_far() {
        let any = Delays::default();
        assert_eq!(any.nearest(Duration::from_secs(70)), Duration::from_secs(70));
        let some: Delays = [1, 60, 80].map(Duration::from_secs).into_iter().collect();
        for (delay, nearest) in [
            (0, 0),
            (1, 1),
            (2, 2),
            (40, 40),
            (50, 60),
            (60, 60),
            (69, 60),
            (71, 80),
            (80, 80),
            (99, 80),
            (101, 101),
        ] {
            let found = some.nearest(Duration::from_secs(delay));
            assert_eq!(found, Duration::from_secs(nearest), "{delay} s");
        }
    }
}
