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
    /// The nearest to this one, so that a step is due when its wake-up comes: at most a fifth shorter, else the next longer. A
    /// longer one than the longest stays as it is.
    pub fn nearest(&self, delay: Duration) -> Duration {
        match self.0.iter().position(|possible| *possible >= delay) {
            None | Some(0) => delay,
            Some(longer) => {
                let (shorter, longer) = (self.0[longer - 1], self.0[longer]);
                let is_near = shorter * 5 >= delay * 4 && delay - shorter < longer - delay;
                if is_near { shorter } else { longer }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_is_taken_but_none_that_is_far_shorter() {
        let any = Delays::default();
        assert_eq!(any.nearest(Duration::from_secs(70)), Duration::from_secs(70));
        let some: Delays = [1, 60, 80].map(Duration::from_secs).into_iter().collect();
        for (delay, nearest) in [
            (0, 0),
            (1, 1),
            (2, 60),
            (40, 60),
            (60, 60),
            (69, 60),
            (70, 80),
            (80, 80),
            (99, 99),
        ] {
            let found = some.nearest(Duration::from_secs(delay));
            assert_eq!(found, Duration::from_secs(nearest), "{delay} s");
        }
    }
}
