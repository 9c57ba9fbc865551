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
    /// As many as the instance has in the long run, whoever has them now: as fast its postponed messages come again.
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
mod tests {
    use futures_util::StreamExt as _;
    use futures_util::stream::FuturesUnordered;

    use super::*;

    /// Takes all seats that the instance can have now.
    fn fill<'s>(seats: &'s Seats, tenant: &str, instance: &str) -> Vec<Place<'s>> {
        std::iter::from_fn(|| at(seats, tenant, instance, Instant::now())).collect()
    }

    fn at<'s>(seats: &'s Seats, tenant: &str, instance: &str, now: Instant) -> Option<Place<'s>> {
        match seats.place(tenant, instance, now) {
            Room::Now(mut place) => {
                place.begins(now);
                Some(place)
            }
            Room::Soon { .. } | Room::Later(_) => None,
        }
    }

    /// An attempt of the instance that has ended at once.
    fn is_quick(seats: &Seats, tenant: &str, instance: &str) {
        drop(at(seats, tenant, instance, Instant::now()));
    }

    #[test]
    fn those_at_work_leave_room_for_one_more() {
        let seats = Seats::new(16, 16);
        let first = fill(&seats, "large", "a");
        let second = fill(&seats, "large", "b");
        assert_eq!(
            (first.len(), second.len()),
            (4, 2),
            "a tenant's own instances share, too"
        );
        let other = fill(&seats, "small", "c");
        assert_eq!(other.len(), 2);
        assert!(at(&seats, "third", "d", Instant::now()).is_some());
        drop((first, second));
        drop(other);
        assert!(seats.are_free());
    }

    #[test]
    fn a_slow_record_makes_no_instance_slow() {
        let seats = Seats::new(16, 16);
        let before = Instant::now() - QUICK * 2;
        let mut place = at(&seats, "tenant", "a", before).expect("a free seat");
        place.ends(before + QUICK / 2);
        assert_eq!(seats.book().slow_ones("tenant", Instant::now()).count(), 0);
        drop(place);
        assert_eq!(seats.book().is_quick("a", Instant::now()), Some(true));
        drop(at(&seats, "tenant", "b", before - QUICK));
        assert_eq!(seats.book().is_quick("b", Instant::now()), Some(false));
    }

    #[test]
    fn no_tenant_gets_the_last_seat_of_two_by_many_instances() {
        let seats = Seats::new(2, 16);
        let many: Vec<_> = (0..200)
            .filter_map(|number| at(&seats, "large", &format!("i{number}"), Instant::now()))
            .collect();
        assert_eq!(many.len(), 1);
        assert!(at(&seats, "small", "c", Instant::now()).is_some());
    }

    #[test]
    fn an_instance_that_is_known_to_be_quick_has_three_quarters_until_one_of_its_tenants_is_slow() {
        let seats = Seats::new(16, 16);
        is_quick(&seats, "a", "1");
        let all = fill(&seats, "a", "1");
        assert_eq!(all.len(), 9);
        let next = fill(&seats, "a", "2");
        assert_eq!(next.len(), 2, "the tenant's other instance finds room");
        drop(next);
        let other = fill(&seats, "b", "4");
        assert_eq!(other.len(), 2, "not known yet");
        drop(all);
        assert_eq!(fill(&seats, "a", "1").len(), 8, "half for each of two");
        drop(other);

        let slow = at(&seats, "a", "3", Instant::now() - 2 * QUICK);
        assert_eq!(fill(&seats, "a", "1").len(), 2, "of 8 for two instances and one more");
        drop(slow);
    }

    #[test]
    fn quick_ones_of_several_tenants_leave_a_quarter() {
        let seats = Seats::new(16, 16);
        is_quick(&seats, "a", "1");
        is_quick(&seats, "b", "2");
        let first = fill(&seats, "a", "1");
        let second = fill(&seats, "b", "2");
        assert_eq!((first.len(), second.len()), (9, 3), "12 of 16");
        let other = fill(&seats, "c", "3");
        assert_eq!(other.len(), 2, "four are free for those who come");
        assert!(fill(&seats, "a", "1").is_empty());
        drop(first);
        assert_eq!(fill(&seats, "b", "2").len(), 5, "8 in all");
        let slow = at(&seats, "b", "4", Instant::now() - 2 * QUICK);
        assert!(slow.is_some());
        assert!(
            fill(&seats, "b", "2").is_empty(),
            "no more while one of its tenant's is slow"
        );
    }

    #[test]
    fn a_quick_instance_vouches_for_no_other() {
        let seats = Seats::new(16, 16);
        is_quick(&seats, "a", "1");
        let quick = at(&seats, "a", "1", Instant::now());
        assert!(quick.is_some());
        let new: Vec<_> = (0..20)
            .filter_map(|number| at(&seats, "a", &format!("new{number}"), Instant::now()))
            .collect();
        assert_eq!(new.len(), 8, "the tenant's share without it");
    }

    #[test]
    fn what_is_put_off_of_a_quick_instance_comes_again_by_what_it_has_in_the_long_run() {
        let seats = Seats::new(16, 16);
        let tenants = ["a", "b", "c"];
        for tenant in tenants {
            is_quick(&seats, tenant, tenant);
        }
        let held = tenants.map(|tenant| fill(&seats, tenant, tenant));
        assert_eq!(held.each_ref().map(Vec::len), [9, 3, 2]);
        let usual = |tenant| seats.book().share(16, tenant, tenant, Instant::now()).usual;
        assert_eq!(tenants.map(usual), [6; 3], "a third, whoever was first");
        assert_eq!(usual("d"), 1, "not known yet");
    }

    #[test]
    fn a_message_waits_while_half_of_the_share_flows_and_is_put_off_when_it_does_not() {
        let seats = Seats::new(16, 16);
        let now = Instant::now();
        let slow = now - 2 * QUICK;
        let mut held: Vec<_> = [slow, slow, now, now].map(|since| at(&seats, "a", "1", since)).into();
        let Room::Soon {
            until,
            share: 4,
            known: false,
        } = seats.place("a", "1", now)
        else {
            panic!("two of four are quick")
        };
        assert!(until > now + QUICK_AT_FIRST && until < now + QUICK);
        held.pop();
        held.push(at(&seats, "a", "1", slow));
        assert!(matches!(seats.place("a", "1", now), Room::Later(delay) if delay >= SOONEST));
        assert!(at(&seats, "b", "2", now).is_some(), "another tenant has its own");
    }

    #[tokio::test]
    async fn a_message_that_waits_gets_the_place_that_is_left() {
        let seats = Seats::new(16, 16);
        let mut held = fill(&seats, "a", "1");
        let (seat, ()) = tokio::join!(seats.take("a", "1"), async { drop(held.pop()) });
        assert!(seat.is_ok());
    }

    #[tokio::test]
    async fn a_message_that_waits_is_put_off_when_the_others_turn_out_to_be_slow() {
        let seats = Seats::new(16, 16);
        let almost = Instant::now() - (QUICK_AT_FIRST - Duration::from_millis(50));
        let _held = [(); 4].map(|()| at(&seats, "a", "1", almost));
        let began = Instant::now();
        assert!(seats.take("a", "1").await.is_err());
        assert!(began.elapsed() < QUICK);
    }

    #[tokio::test]
    async fn no_more_wait_than_may() {
        let seats = Seats::new(4, 4);
        let held = fill(&seats, "a", "1");
        let waiting: FuturesUnordered<_> = (0..6).map(async |_| seats.take("a", "1").await.map(drop)).collect();
        let (taken, ()) = tokio::join!(waiting.collect::<Vec<_>>(), async { drop(held) });
        assert_eq!(
            taken.iter().filter(|seat| seat.is_err()).count(),
            4,
            "half of four, while nothing is known"
        );
    }

    #[test]
    fn nobody_waits_for_an_instance_that_is_known_to_be_slow() {
        let seats = Seats::new(16, 16);
        drop(at(&seats, "a", "1", Instant::now() - 4 * QUICK));
        let _held = fill(&seats, "a", "1");
        assert!(matches!(seats.place("a", "1", Instant::now()), Room::Later(_)));
    }

    #[tokio::test]
    async fn with_one_seat_it_is_one_after_the_other() {
        let seats = Seats::new(1, 16);
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
        assert_eq!(delays[..3], [250, 2_750, 5_250], "every 10 s 4 of them");
        assert_eq!(delays[199], LATEST.as_millis() as u64);
        assert_eq!(book.put_off("b", 4, now), SOONEST, "another instance has its own");
    }
}
