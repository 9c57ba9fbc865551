//! The rate of calls: five requests per second for an account, of all operations together (Developer Guide, "Quotas on
//! API requests").

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::errors::refuse;
use crate::error::Answer;

/// The calls of the last second that were served.
#[derive(Debug, Default)]
pub struct RecentCalls(VecDeque<Instant>);

impl RecentCalls {
    /// Counts a call, if there may be another one in this second; a limit of 0 is none.
    pub fn another(&mut self, limit: u32) -> Answer<()> {
        let now = Instant::now();
        while self.0.front().is_some_and(|&at| now - at >= Duration::from_secs(1)) {
            self.0.pop_front();
        }
        if limit > 0 && self.0.len() >= limit as usize {
            return Err(refuse("Throttling", "Rate exceeded"));
        }
        self.0.push_back(now);
        Ok(())
    }
}
