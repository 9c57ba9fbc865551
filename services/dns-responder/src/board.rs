//! What is served now, shared by who reads it from PostgreSQL and who answers with it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::names::Names;

/// How far what is in memory can be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// Nothing was read yet.
    Unread,
    /// It was read a moment ago.
    Current,
    /// The last reading failed, or the next one is late: what is known still holds, but there may be more.
    Old,
}

/// What is served at a moment.
#[derive(Clone, Debug)]
pub struct Live {
    /// The names.
    pub names: Arc<Names>,
    /// How far they can be trusted.
    pub freshness: Freshness,
}

/// What is served, to be replaced as a whole.
#[derive(Debug)]
pub struct Board {
    names: RwLock<Arc<Names>>,
    begun: Instant,
    /// Milliseconds after `begun`; 0: never.
    read_at: AtomicU64,
    /// Nothing was read since a reading failed.
    interrupted: AtomicBool,
    old_after: Duration,
    loaded: watch::Sender<bool>,
}

impl Board {
    /// An empty one. What was read counts as old after this time.
    pub fn new(old_after: Duration) -> Self {
        Self {
            names: RwLock::default(),
            begun: Instant::now(),
            read_at: AtomicU64::new(0),
            interrupted: AtomicBool::new(false),
            old_after,
            loaded: watch::Sender::new(false),
        }
    }

    /// Replaces what is served by what was just read.
    pub fn set(&self, names: Names) {
        let names = Arc::new(names);
        *self.names.write().unwrap_or_else(PoisonError::into_inner) = names;
        let now = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.read_at.store(now.max(1), Ordering::Release);
        self.interrupted.store(false, Ordering::Release);
        self.loaded.send_replace(true);
    }

    /// A reading has failed: what was read counts as old until something is read.
    pub fn interrupted(&self) {
        self.interrupted.store(true, Ordering::Release);
    }

    /// What is served now.
    pub fn live(&self) -> Live {
        let freshness = match self.age() {
            None => Freshness::Unread,
            Some(age) if age > self.old_after || self.interrupted.load(Ordering::Acquire) => Freshness::Old,
            Some(_) => Freshness::Current,
        };
        let names = self.names.read().unwrap_or_else(PoisonError::into_inner).clone();
        Live { names, freshness }
    }

    /// How long ago it was read from PostgreSQL; `None`: never.
    pub fn age(&self) -> Option<Duration> {
        match self.read_at.load(Ordering::Acquire) {
            0 => None,
            at => Some(self.begun.elapsed().saturating_sub(Duration::from_millis(at))),
        }
    }

    /// Waits until something was read.
    pub async fn loaded(&self) {
        // The sender is `self`'s own.
        let _ = self.loaded.subscribe().wait_for(|loaded| *loaded).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_read_before_a_reading_failed_is_old_at_once() {
        let board = Board::new(Duration::from_secs(3600));
        board.interrupted();
        assert_eq!(board.live().freshness, Freshness::Unread);
        board.set(Names::default());
        assert_eq!(board.live().freshness, Freshness::Current);
        board.interrupted();
        assert_eq!(board.live().freshness, Freshness::Old);
        board.set(Names::default());
        assert_eq!(board.live().freshness, Freshness::Current);
    }

    #[test]
    fn what_was_not_read_for_a_while_is_old_until_it_is_read_again() {
        let board = Board::new(Duration::from_millis(50));
        assert_eq!(board.live().freshness, Freshness::Unread);
        board.set(Names::default());
        assert_eq!(board.live().freshness, Freshness::Current);
        std::thread::sleep(Duration::from_millis(80));
        assert_eq!(board.live().freshness, Freshness::Old);
        board.set(Names::default());
        assert_eq!(board.live().freshness, Freshness::Current);
    }
}
