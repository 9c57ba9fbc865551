//! Concurrency slots ("seats"), shared by tenant and then by instance, so that hundreds of slow domains of one
//! organization don't delay anyone else's.
//!
//! Nobody gets more than their share, even if seats are free: a probe of a server that never answers can't be hurried
//! when another tenant's message arrives. Messages above the share are postponed until there should be room.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, SemaphorePermit};

/// No postponed message is delivered again earlier …
const SOONEST: Duration = Duration::from_secs(1);
/// … or later.
const LATEST: Duration = Duration::from_secs(300);
/// The assumed duration of an attempt until one of the instance's has ended in this process.
const FIRST_GUESS: Duration = Duration::from_millis(100);
/// The maximum number of instances whose times are kept although none of their messages is being processed.
const MOST_REMEMBERED: usize = 1_000;

/// Who holds how many of this process's seats.
pub(crate) struct Seats {
    all: usize,
    free: Semaphore,
    book: Mutex<Book>,
}

/// A seat, which is freed when dropped.
pub(crate) struct Seat<'s> {
    _place: Place<'s>,
    _permit: Option<SemaphorePermit<'s>>,
}

/// A message that counts towards its tenant's share, whether it has a seat or waits for one.
struct Place<'s> {
    seats: &'s Seats,
    tenant: String,
    instance: String,
    since: Instant,
}

#[derive(Default)]
struct Book {
    /// Since when each message is held, by tenant and instance.
    in_hand: HashMap<String, HashMap<String, Vec<Instant>>>,
    /// By instance.
    times: HashMap<String, Times>,
}

/// What is known about an instance that has more to do than its share.
#[derive(Clone, Copy)]
struct Times {
    /// The duration of its recent attempts.
    takes: Duration,
    /// When there should be room for its next postponed message.
    next: Instant,
}

impl Seats {
    pub(crate) fn new(all: usize) -> Self {
        Self {
            all,
            free: Semaphore::new(all),
            book: Mutex::default(),
        }
    }

    /// No seat is taken.
    pub(crate) fn are_free(&self) -> bool {
        self.book().in_hand.is_empty()
    }

    /// A seat for a step of the instance, as soon as one is free. `Err`: this tenant or instance has used its share;
    /// the message is to be delivered again after that time.
    pub(crate) async fn take(&self, tenant: &str, instance: &str) -> Result<Seat<'_>, Duration> {
        let place = self.place(tenant, instance, Instant::now())?;
        // The semaphore is never closed.
        let permit = self.free.acquire().await.ok();
        Ok(Seat {
            _place: place,
            _permit: permit,
        })
    }

    fn place(&self, tenant: &str, instance: &str, now: Instant) -> Result<Place<'_>, Duration> {
        let mut book = self.book();
        let share = book.share(self.all, tenant, instance);
        if book.has_its_share(share, tenant, instance) {
            book.learn_from(tenant, instance, now);
            return Err(book.put_off(instance, share.instance, now));
        }
        let instances = book.in_hand.entry(tenant.to_owned()).or_default();
        instances.entry(instance.to_owned()).or_default().push(now);
        Ok(Place {
            seats: self,
            tenant: tenant.to_owned(),
            instance: instance.to_owned(),
            since: now,
        })
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How many seats a tenant may have, and an instance of that tenant.
#[derive(Clone, Copy)]
struct Share {
    tenant: usize,
    instance: usize,
}

/// The total divided by the number present plus one, so that the next one finds room. Among many it is an eighth: with
/// many quick ones, none has to be postponed because of a second one of its own.
fn share_of(all: usize, present: usize) -> usize {
    (all / (present + 1)).max(all / 8).max(1)
}

impl Book {
    fn share(&self, all: usize, tenant: &str, instance: &str) -> Share {
        let here = self.in_hand.get(tenant);
        let tenants = self.in_hand.len() + usize::from(here.is_none());
        let instances = here.map_or(1, |instances| {
            instances.len() + usize::from(!instances.contains_key(instance))
        });
        let tenant = share_of(all, tenants);
        Share {
            tenant,
            instance: share_of(tenant, instances),
        }
    }

    fn has_its_share(&self, share: Share, tenant: &str, instance: &str) -> bool {
        let Some(instances) = self.in_hand.get(tenant) else {
            return false;
        };
        instances.values().map(Vec::len).sum::<usize>() >= share.tenant
            || instances.get(instance).is_some_and(|mine| mine.len() >= share.instance)
    }

    /// An attempt takes at least as long as the tenant's oldest message, which is in the instance's way, has taken so far.
    fn learn_from(&mut self, tenant: &str, instance: &str, now: Instant) {
        let since = self.in_hand.get(tenant).and_then(|all| all.values().flatten().min());
        let taken = since.map_or(Duration::ZERO, |since| now - *since);
        let times = self.times_of(instance, now);
        times.takes = times.takes.max(taken);
    }

    /// One after the other, as fast as the instance's share of the seats becomes free.
    fn put_off(&mut self, instance: &str, share: usize, now: Instant) -> Duration {
        if self.times.len() > MOST_REMEMBERED {
            self.times.retain(|_, times| times.next > now);
        }
        let times = self.times_of(instance, now);
        let at = times.next.max(now + SOONEST).min(now + LATEST);
        times.next = at + times.takes / u32::try_from(share).unwrap_or(1);
        at - now
    }

    fn times_of(&mut self, instance: &str, now: Instant) -> &mut Times {
        self.times.entry(instance.to_owned()).or_insert(Times {
            takes: FIRST_GUESS,
            next: now,
        })
    }

    fn leaves(&mut self, tenant: &str, instance: &str, since: Instant) {
        if let Some(times) = self.times.get_mut(instance) {
            times.takes = (times.takes + since.elapsed()) / 2;
        }
        let Some(instances) = self.in_hand.get_mut(tenant) else {
            return;
        };
        if let Some(mine) = instances.get_mut(instance)
            && let Some(at) = mine.iter().position(|one| *one == since)
        {
            mine.swap_remove(at);
        }
        instances.retain(|_, mine| !mine.is_empty());
        if instances.is_empty() {
            self.in_hand.remove(tenant);
        }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.seats.book().leaves(&self.tenant, &self.instance, self.since);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes all seats that the instance can have now.
    fn fill<'s>(seats: &'s Seats, tenant: &str, instance: &str) -> Vec<Place<'s>> {
        std::iter::from_fn(|| seats.place(tenant, instance, Instant::now()).ok()).collect()
    }

    #[test]
    fn those_at_work_leave_room_for_one_more() {
        let seats = Seats::new(16);
        let first = fill(&seats, "large", "a");
        let second = fill(&seats, "large", "b");
        assert_eq!(
            (first.len(), second.len()),
            (4, 2),
            "a tenant's own instances share, too"
        );
        let other = fill(&seats, "small", "c");
        assert_eq!(other.len(), 2);
        assert!(seats.place("third", "d", Instant::now()).is_ok());
        drop((first, second));
        assert_eq!(fill(&seats, "large", "a").len(), 2, "of 16 for two and one more");
        drop(other);
        assert!(seats.are_free());
    }

    #[test]
    fn no_tenant_gets_the_last_seat_of_two_by_many_instances() {
        let seats = Seats::new(2);
        let many: Vec<_> = (0..200)
            .filter_map(|number| seats.place("large", &format!("i{number}"), Instant::now()).ok())
            .collect();
        assert_eq!(many.len(), 1);
        assert!(seats.place("small", "c", Instant::now()).is_ok());
    }

    #[tokio::test]
    async fn with_one_seat_it_is_one_after_the_other() {
        let seats = Seats::new(1);
        let first = seats.take("a", "1").await.ok().unwrap();
        let mut second = Box::pin(seats.take("b", "2"));
        tokio::select! {
            biased;
            _ = &mut second => panic!("there is one seat"),
            () = std::future::ready(()) => {}
        }
        drop(first);
        assert!(second.await.is_ok());
    }

    #[test]
    fn what_is_put_off_comes_again_as_fast_as_there_is_room_and_not_all_at_once() {
        let mut book = Book::default();
        let now = Instant::now();
        book.times_of("a", now).takes = Duration::from_secs(10);
        let delays: Vec<u64> = (0..200).map(|_| book.put_off("a", 4, now).as_millis() as u64).collect();
        assert_eq!(delays[..3], [1_000, 3_500, 6_000], "every 10 s 4 of them");
        assert_eq!(delays[199], LATEST.as_millis() as u64);
        assert_eq!(book.put_off("b", 4, now), SOONEST, "another instance has its own");
    }
}
