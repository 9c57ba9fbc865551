//! Concurrency slots ("seats"), shared by tenant and then by instance, so that hundreds of slow domains of one
//! organization don't delay anyone else's.
//!
//! Nobody gets more than their share, even if seats are free: a probe of a server that never answers can't be hurried
//! when another tenant's message arrives. Some messages above the share wait here as long as the share's seats become free
//! again quickly; the others are postponed until there should be room. Instances whose attempts are known to be quick
//! have larger shares, in sum more than there is: their seats soon change hands.

use std::collections::HashMap;
use std::pin::pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, Semaphore, SemaphorePermit, TryAcquireError};
use tokio::time::timeout_at;

/// Attempts that take longer are slow: nobody waits for their seats.
const QUICK: Duration = Duration::from_secs(1);
/// The same, as long as none of the instance's has ended in this process: it may be one of many that never answer.
const QUICK_AT_FIRST: Duration = Duration::from_millis(250);
/// How long it is known that an instance is quick or slow.
const KNOWN_FOR: Duration = Duration::from_secs(60);
/// No postponed message is delivered again earlier …
const SOONEST: Duration = Duration::from_millis(250);
/// … nor one of an instance that is known to be slow …
const SOONEST_IF_SLOW: Duration = Duration::from_secs(1);
/// … or later.
const LATEST: Duration = Duration::from_secs(300);
/// The assumed duration of an attempt until one of the instance's has ended in this process.
const FIRST_GUESS: Duration = Duration::from_millis(25);
/// The maximum number of instances whose times are kept although none of their messages is being processed.
const MOST_REMEMBERED: usize = 1_000;

/// Who holds how many of this process's seats.
pub(crate) struct Seats {
    all: usize,
    free: Semaphore,
    book: Mutex<Book>,
    /// A message has left its place.
    left: Notify,
    /// For messages that wait here until one has left: each takes the place of one that could be received.
    may_wait: Semaphore,
    /// The same, for those of instances about which nothing is known.
    unknown_may_wait: Semaphore,
}

/// A seat, which is freed when dropped.
pub(crate) struct Seat<'s> {
    place: Place<'s>,
    _permit: Option<SemaphorePermit<'s>>,
}

impl Seat<'_> {
    /// The attempt has ended. How long its record takes is not the tenant's doing.
    pub(crate) fn attempted(&mut self) {
        self.place.ends(Instant::now());
    }
}

/// A message that counts towards its tenant's share, whether it has a seat or waits for one.
struct Place<'s> {
    seats: &'s Seats,
    tenant: String,
    instance: String,
    since: Instant,
    /// How long the attempt took, once it has ended.
    took: Option<Duration>,
}

#[derive(Default)]
struct Book {
    /// By tenant and instance.
    in_hand: HashMap<String, HashMap<String, Vec<Held>>>,
    /// By instance.
    times: HashMap<String, Times>,
}

/// A message in its place.
#[derive(Clone, Copy, PartialEq)]
struct Held {
    since: Instant,
    /// It has a seat, and its attempt runs.
    seated: bool,
}

/// What is known about an instance.
#[derive(Clone, Copy)]
struct Times {
    /// The duration of its recent attempts.
    takes: Duration,
    /// When it was last found out in this process; before that, `takes` is assumed.
    known: Option<Instant>,
    /// When there should be room for its next postponed message.
    next: Instant,
}

impl Seats {
    /// So many seats, and so many messages that may wait for one beyond the shares.
    pub(crate) fn new(all: usize, waiting: usize) -> Self {
        Self {
            all,
            free: Semaphore::new(all),
            book: Mutex::default(),
            left: Notify::new(),
            may_wait: Semaphore::new(waiting),
            unknown_may_wait: Semaphore::new(waiting / 2),
        }
    }

    /// No seat is taken.
    pub(crate) fn are_free(&self) -> bool {
        self.book().in_hand.is_empty()
    }

    /// A seat for a step of the instance, as soon as one is free. `Err`: this tenant or instance has used its share, and
    /// its attempts are slow; the message is to be delivered again after that time.
    pub(crate) async fn take(&self, tenant: &str, instance: &str) -> Result<Seat<'_>, Duration> {
        let mut waits = None;
        let mut place = loop {
            let mut left = pin!(self.left.notified());
            left.as_mut().enable();
            match self.place(tenant, instance, Instant::now()) {
                Room::Now(place) => break place,
                Room::Soon { until, share, known } => {
                    if waits.is_none() {
                        match self.may_wait(known) {
                            Ok(wait) => waits = Some(wait),
                            Err(_) => return Err(self.book().put_off(instance, share, Instant::now())),
                        }
                    }
                    drop(timeout_at(until.into(), left).await);
                }
                Room::Later(delay) => return Err(delay),
            }
        };
        drop(waits);
        // The semaphore is never closed.
        let permit = self.free.acquire().await.ok();
        place.begins(Instant::now());
        Ok(Seat { place, _permit: permit })
    }

    fn may_wait(&self, known: bool) -> Result<(SemaphorePermit<'_>, Option<SemaphorePermit<'_>>), TryAcquireError> {
        let unknown = match known {
            true => None,
            false => Some(self.unknown_may_wait.try_acquire()?),
        };
        Ok((self.may_wait.try_acquire()?, unknown))
    }

    fn place(&self, tenant: &str, instance: &str, now: Instant) -> Room<'_> {
        let mut book = self.book();
        let share = book.share(self.all, tenant, instance, now);
        if book.has_its_share(share, tenant, instance) {
            if let Some(until) = book.flows_until(share, tenant, instance, now) {
                let (share, known) = (share.usual, book.is_quick(instance, now).is_some());
                return Room::Soon { until, share, known };
            }
            book.learn_from(tenant, instance, now);
            return Room::Later(book.put_off(instance, share.usual, now));
        }
        let instances = book.in_hand.entry(tenant.to_owned()).or_default();
        instances.entry(instance.to_owned()).or_default().push(Held {
            since: now,
            seated: false,
        });
        Room::Now(Place {
            seats: self,
            tenant: tenant.to_owned(),
            instance: instance.to_owned(),
            since: now,
            took: None,
        })
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether there is room for a message within the shares of its tenant and instance.
enum Room<'s> {
    Now(Place<'s>),
    /// When one of theirs leaves; if none has until then, it is to be asked again.
    Soon {
        until: Instant,
        /// The instance's usual one.
        share: usize,
        /// Whether the instance is known to be quick.
        known: bool,
    },
    /// Not before this time has passed.
    Later(Duration),
}

/// How many seats a tenant may have, and an instance of that tenant.
#[derive(Clone, Copy)]
struct Share {
    tenant: usize,
    instance: usize,
    /// The seats that the instance has in the long run, even if others have them at the moment. Its postponed messages are spaced by it.
    usual: usize,
}

/// The total divided by the number present plus one, so that the next one finds room. Among many it is an eighth: with
/// many quick ones, none has to be postponed because of a second one of its own.
fn share_of(all: usize, present: usize) -> usize {
    (all / (present + 1)).max(all / 8).max(1)
}

impl Book {
    fn share(&self, all: usize, tenant: &str, instance: &str, now: Instant) -> Share {
        let here = self.in_hand.get(tenant);
        let tenants = self.in_hand.len() + usize::from(here.is_none());
        let instances = here.map_or(1, |instances| {
            instances.len() + usize::from(!instances.contains_key(instance))
        });
        let of_tenant = share_of(all, tenants);
        let of_instance = share_of(of_tenant, instances);
        let mut share = Share {
            tenant: of_tenant,
            instance: of_instance,
            usual: of_instance,
        };
        let is_quick = |instance: &str| self.is_quick(instance, now) == Some(true);
        let any_is_quick = is_quick(instance) || here.is_some_and(|mine| mine.keys().any(|one| is_quick(one)));
        if !any_is_quick || self.slow_ones(tenant, now).count() > 0 {
            return share;
        }
        // A quarter stays free for others, should the quick ones all become slow at the same moment.
        let most = all * 3 / 4;
        let has_room = self.held() < most;
        // Of all seats, not of most: a part that nobody uses at the moment is not left empty.
        let part = all.div_ceil(tenants);
        let strangers = here.into_iter().flatten().filter(|(one, _)| !is_quick(one));
        let strangers: usize = strangers.map(|(_, mine)| mine.len()).sum();
        if has_room && (is_quick(instance) || strangers < of_tenant) {
            share.tenant = of_tenant.max(most.min(part + part.div_ceil(3)));
        }
        if is_quick(instance) {
            // What is left of the tenant's is its next instance's.
            share.usual = of_instance.max((most * 3 / 4).min(part.div_ceil(instances)));
            if has_room {
                share.instance = share.usual;
            }
        }
        share
    }

    /// All messages.
    fn held(&self) -> usize {
        self.in_hand.values().flat_map(HashMap::values).map(Vec::len).sum()
    }

    /// Whether the instance's recent attempts were quick; `None`: that is not known.
    fn is_quick(&self, instance: &str, now: Instant) -> Option<bool> {
        let times = self.times.get(instance)?;
        let is_known = times.known.is_some_and(|since| now - since < KNOWN_FOR);
        is_known.then_some(times.takes <= QUICK)
    }

    /// An attempt of the instance that takes longer is slow.
    fn quick(&self, instance: &str, now: Instant) -> Duration {
        match self.is_quick(instance, now) {
            Some(_) => QUICK,
            None => QUICK_AT_FIRST,
        }
    }

    /// The tenant's attempts that are slow, each by its instance.
    fn slow_ones(&self, tenant: &str, now: Instant) -> impl Iterator<Item = &str> {
        let instances = self.in_hand.get(tenant).into_iter().flatten();
        instances.flat_map(move |(instance, mine)| {
            let quick = self.quick(instance, now);
            let slow = mine.iter().filter(move |held| held.seated && now - held.since > quick);
            slow.map(|_| instance.as_str())
        })
    }

    /// At least half of the share's seats become free quickly: until when that is so if none does. `None`: they don't.
    fn flows_until(&self, share: Share, tenant: &str, instance: &str, now: Instant) -> Option<Instant> {
        let slow = self.slow_ones(tenant, now).count();
        let its_slow = self.slow_ones(tenant, now).filter(|one| *one == instance).count();
        if self.is_quick(instance, now) == Some(false) || slow * 2 > share.tenant || its_slow * 2 > share.instance {
            return None;
        }
        let instances = self.in_hand.get(tenant)?.iter();
        let slow_from = instances.flat_map(|(instance, mine)| {
            let quick = self.quick(instance, now);
            mine.iter()
                .map(move |held| held.since + quick + Duration::from_millis(1))
        });
        slow_from.filter(|at| *at > now).min()
    }

    fn has_its_share(&self, share: Share, tenant: &str, instance: &str) -> bool {
        let Some(instances) = self.in_hand.get(tenant) else {
            return false;
        };
        instances.values().map(Vec::len).sum::<usize>() >= share.tenant
            || instances.get(instance).is_some_and(|mine| mine.len() >= share.instance)
    }

    /// An attempt takes at least as long as the tenant's oldest message, which is in the instance's way, has taken so far: its
    /// record, too, so that a busy database is not asked more often.
    fn learn_from(&mut self, tenant: &str, instance: &str, now: Instant) {
        let all = self.in_hand.get(tenant).into_iter().flat_map(HashMap::values).flatten();
        let taken = |since: Option<Instant>| since.map_or(Duration::ZERO, |since| now - since);
        let oldest = taken(all.clone().map(|held| held.since).min());
        let attempted = taken(all.filter(|held| held.seated).map(|held| held.since).min());
        let times = self.times_of(instance, now);
        times.takes = times.takes.max(oldest);
        if attempted > QUICK {
            times.known = Some(now);
        }
    }

    /// One after the other, as fast as the instance's share of the seats becomes free.
    fn put_off(&mut self, instance: &str, share: usize, now: Instant) -> Duration {
        let soonest = match self.is_quick(instance, now) {
            Some(false) => SOONEST_IF_SLOW,
            Some(true) | None => SOONEST,
        };
        let times = self.times_of(instance, now);
        let at = times.next.max(now + soonest).min(now + LATEST);
        times.next = at + times.takes / u32::try_from(share).unwrap_or(1);
        at - now
    }

    fn times_of(&mut self, instance: &str, now: Instant) -> &mut Times {
        if self.times.len() > MOST_REMEMBERED {
            let in_hand = &self.in_hand;
            let is_here = |instance: &String| in_hand.values().any(|mine| mine.contains_key(instance));
            self.times
                .retain(|instance, times| times.next > now || is_here(instance));
        }
        self.times.entry(instance.to_owned()).or_insert(Times {
            takes: FIRST_GUESS,
            known: None,
            next: now,
        })
    }

    fn leaves(&mut self, tenant: &str, instance: &str, since: Instant, took: Option<Duration>) {
        let now = Instant::now();
        let times = self.times_of(instance, now);
        times.takes = (times.takes + took.unwrap_or(now - since)) / 2;
        times.known = Some(now);
        let Some(instances) = self.in_hand.get_mut(tenant) else {
            return;
        };
        if let Some(mine) = instances.get_mut(instance)
            && let Some(at) = mine.iter().position(|held| held.since == since)
        {
            mine.swap_remove(at);
        }
        instances.retain(|_, mine| !mine.is_empty());
        if instances.is_empty() {
            self.in_hand.remove(tenant);
        }
    }
}

impl Place<'_> {
    /// The message has got its seat now.
    fn begins(&mut self, now: Instant) {
        let was = Held {
            since: self.since,
            seated: false,
        };
        let is = Held {
            since: now,
            seated: true,
        };
        if self.replace(was, is) {
            self.since = now;
        }
    }

    /// Its attempt has ended.
    fn ends(&mut self, now: Instant) {
        let held = |seated| Held {
            since: self.since,
            seated,
        };
        self.replace(held(true), held(false));
        self.took = Some(now - self.since);
    }

    fn replace(&self, was: Held, is: Held) -> bool {
        let mut book = self.seats.book();
        let mine = book.in_hand.get_mut(&self.tenant);
        let mine = mine.and_then(|instances| instances.get_mut(&self.instance));
        let Some(held) = mine.and_then(|mine| mine.iter_mut().find(|held| **held == was)) else {
            return false;
        };
        *held = is;
        true
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.seats
            .book()
            .leaves(&self.tenant, &self.instance, self.since, self.took);
        self.seats.left.notify_waiters();
    }
}

#[cfg(test)]
mod tests;
