//! The distance between calls.

use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::{Instant, sleep_until};

/// All programs of an account together have 5 requests a second (Developer Guide, "Quotas on API requests"): one process
/// leaves some for others, and several are throttled at worst.
const DISTANCE: Duration = Duration::from_millis(300);

/// One call after the other, at this distance.
#[derive(Debug, Default)]
pub(super) struct Pace {
    next: Mutex<Option<Instant>>,
}

impl Pace {
    /// Returns when it is the caller's turn, in the order in which callers came.
    pub(super) async fn turn(&self) {
        let mut next = self.next.lock().await;
        if let Some(next) = *next {
            sleep_until(next).await;
        }
        *next = Some(Instant::now() + DISTANCE);
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
}
