//! The distance between calls.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// All programs of an account together have 5 requests a second (Developer Guide, "Quotas on API requests"): one process
/// leaves some for others, and several are throttled at worst.
const DISTANCE: Duration = Duration::from_millis(300);
/// A question that can be asked later isn't worth a longer wait.
const PATIENCE: Duration = Duration::from_secs(1);

/// One call after the other, at this distance.
#[derive(Debug, Default)]
pub(super) struct Pace {
    next: Mutex<Option<Instant>>,
}

impl Pace {
    /// Returns when it is the caller's turn, in the order in which callers came.
    pub(super) async fn turn(&self) {
        if let Some(at) = self.reserve(Duration::MAX) {
            sleep_until(at).await;
        }
    }

    /// The same for a question that can be asked later. `false`: others have too much to ask.
    pub(super) async fn turn_soon(&self) -> bool {
        match self.reserve(PATIENCE) {
            Some(at) => {
                sleep_until(at).await;
                true
            }
            None => false,
        }
    }

    /// When it is the caller's turn, if that is within this time.
    fn reserve(&self, within: Duration) -> Option<Instant> {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let at = next.map_or(now, |next| next.max(now));
        if at - now > within {
            return None;
        }
        *next = Some(at + DISTANCE);
        Some(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn calls_follow_each_other_at_a_distance() {
        let (pace, began) = (Pace::default(), Instant::now());
        tokio::join!(pace.turn(), pace.turn(), pace.turn());
        assert!(began.elapsed() >= 2 * DISTANCE);
    }

    #[tokio::test]
    async fn what_can_be_asked_later_waits_for_few_others_only() {
        let pace = Pace::default();
        assert!(pace.turn_soon().await && pace.turn_soon().await);
        while pace.reserve(PATIENCE).is_some() {}
        assert!(!pace.turn_soon().await);
        pace.turn().await;
    }
}
