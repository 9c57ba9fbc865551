//! Seats, so that one instance with a hundred slow domains doesn't keep another's single domain waiting.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// Who holds how many of this process's seats.
pub(crate) struct Seats {
    all: usize,
    taken: Mutex<HashMap<String, usize>>,
}

/// A seat; dropping it makes it free.
pub(crate) struct Seat<'s> {
    seats: &'s Seats,
    instance: String,
}

impl Seats {
    pub(crate) fn new(all: usize) -> Self {
        Self {
            all,
            taken: Mutex::default(),
        }
    }

    /// Nobody sits.
    pub(crate) fn are_free(&self) -> bool {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// A seat for a step of the instance. `None`: this instance has its share, and the seats left over are for others.
    pub(crate) fn take(&self, instance: &str) -> Option<Seat<'_>> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let busy = taken.values().sum();
        let mine = taken.get(instance).copied().unwrap_or(0);
        if !may_sit(self.all, busy, mine) {
            return None;
        }
        *taken.entry(instance.to_string()).or_default() += 1;
        Some(Seat {
            seats: self,
            instance: instance.to_string(),
        })
    }
}

/// While three quarters of the seats are taken, nobody gets more than a quarter of them.
fn may_sit(all: usize, busy: usize, mine: usize) -> bool {
    mine < (all / 4).max(1) || busy < all * 3 / 4
}

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        let mut taken = self.seats.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = taken.get_mut(&self.instance) {
            *count -= 1;
            if *count == 0 {
                taken.remove(&self.instance);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_instance_never_takes_the_last_quarter() {
        let seats = Seats::new(16);
        let crowd: Vec<_> = std::iter::from_fn(|| seats.take("crowd")).collect();
        assert_eq!(crowd.len(), 12);
        let single = seats.take("single");
        assert!(single.is_some());
        assert!(seats.take("crowd").is_none());
        drop((crowd, single));
        assert!(seats.take("crowd").is_some(), "what was given back can be taken again");
    }

    #[test]
    fn with_one_seat_it_is_whoevers_turn_it_is() {
        let seats = Seats::new(1);
        assert!(seats.take("a").is_some());
        assert!(seats.take("b").is_some());
    }
}
