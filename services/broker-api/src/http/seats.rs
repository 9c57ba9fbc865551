//! Who may stay when there are more connections than seats.
//!
//! A connection *waits* while it waits for its client (for a first byte, for the next request) or for an answer that
//! anybody may ask for; it is *held* while a request with right credentials is at work. What waits gives way to who
//! comes: first what has waited longest of the client that has the most. What is held never does, so nobody without a
//! password keeps a seat from others.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::http::hops::Client;

/// All seats of a listener.
pub(crate) struct Seats {
    table: Mutex<Table>,
    changed: Notify,
}

struct Table {
    most: usize,
    per_client: usize,
    held: usize,
    taken: usize,
    /// Numbers what waits in the order in which it began to.
    turn: u64,
    waiting: HashMap<Client, BTreeMap<u64, CancellationToken>>,
    /// The same, by how many.
    crowds: BTreeSet<(usize, Client)>,
}

/// Where a connection is.
#[derive(Clone, Copy)]
enum Place {
    Waiting(Client, u64),
    Held,
}

/// The seat of one connection; free again when it is dropped.
pub(crate) struct Seat {
    seats: Arc<Seats>,
    place: Mutex<Place>,
    given_away: CancellationToken,
}

impl Seats {
    pub(crate) fn new(most: usize, per_client: usize) -> Arc<Self> {
        Arc::new(Self {
            table: Mutex::new(Table {
                most,
                per_client,
                held: 0,
                taken: 0,
                turn: 0,
                waiting: HashMap::new(),
                crowds: BTreeSet::new(),
            }),
            changed: Notify::new(),
        })
    }

    /// Until there is a seat, or one that can be given away.
    pub(crate) async fn room(&self) {
        loop {
            let changed = self.changed.notified();
            if lock(&self.table).has_room() {
                return;
            }
            changed.await;
        }
    }

    /// Gives away the seat that comes first for that, if any waits.
    pub(crate) fn make_room(&self) {
        lock(&self.table).give_way("full");
    }

    /// A seat for a connection of that client. `limited`: not for a hop, which is many clients.
    pub(crate) fn take(self: &Arc<Self>, client: Client, limited: bool) -> Arc<Seat> {
        let given_away = CancellationToken::new();
        let mut table = lock(&self.table);
        if table.taken >= table.most {
            table.give_way("full");
        }
        table.taken += 1;
        let turn = table.wait(client, limited, given_away.clone());
        Arc::new(Seat {
            seats: self.clone(),
            place: Mutex::new(Place::Waiting(client, turn)),
            given_away,
        })
    }
}

impl Seat {
    /// It waits as this client's from now on: for its answer, or for its next request.
    pub(crate) fn wait(&self, client: Client, limited: bool) {
        let (mut table, mut place) = (lock(&self.seats.table), lock(&self.place));
        if table.leave(*place) {
            *place = Place::Waiting(client, table.wait(client, limited, self.given_away.clone()));
            drop(table);
            self.seats.changed.notify_one();
        }
    }

    /// It is not given away any more until it waits again. `false`: so many are held already that the rest is left to
    /// others.
    pub(crate) fn hold(&self) -> bool {
        let (mut table, mut place) = (lock(&self.seats.table), lock(&self.place));
        if table.held >= table.most_held() || !table.leave(*place) {
            return false;
        }
        table.held += 1;
        *place = Place::Held;
        true
    }

    /// Until the seat is given to somebody else.
    pub(crate) async fn given_away(&self) {
        self.given_away.cancelled().await;
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let (mut table, place) = (lock(&self.seats.table), lock(&self.place));
        if table.leave(*place) {
            table.taken -= 1;
        }
        drop(table);
        self.seats.changed.notify_one();
    }
}

impl Table {
    fn has_room(&self) -> bool {
        self.taken < self.most || !self.crowds.is_empty()
    }

    /// A quarter is always left for those who wait: the CA among them.
    fn most_held(&self) -> usize {
        (self.most * 3 / 4).max(1)
    }

    fn wait(&mut self, client: Client, limited: bool, given_away: CancellationToken) -> u64 {
        let already = self.waiting.get(&client).map_or(0, BTreeMap::len);
        if limited && already >= self.per_client {
            self.evict(client, "per-address");
        }
        self.turn += 1;
        let turn = self.turn;
        self.change(client, |waiting| {
            waiting.insert(turn, given_away);
        });
        turn
    }

    /// Takes it from where it is; `false` when its seat was given away.
    fn leave(&mut self, place: Place) -> bool {
        match place {
            Place::Held => {
                self.held -= 1;
                true
            }
            Place::Waiting(client, turn) => self.change(client, |waiting| waiting.remove(&turn)).is_some(),
        }
    }

    fn give_way(&mut self, why: &'static str) {
        if let Some(&(_, client)) = self.crowds.last() {
            self.evict(client, why);
        }
    }

    fn evict(&mut self, client: Client, why: &'static str) {
        if let Some((_, given_away)) = self.change(client, BTreeMap::pop_first) {
            self.taken -= 1;
            given_away.cancel();
            metrics::counter!("connections_given_way_total", "limit" => why).increment(1);
        }
    }

    fn change<T>(&mut self, client: Client, how: impl FnOnce(&mut BTreeMap<u64, CancellationToken>) -> T) -> T {
        let waiting = self.waiting.entry(client).or_default();
        let before = waiting.len();
        let changed = how(waiting);
        let after = waiting.len();
        self.crowds.remove(&(before, client));
        if after == 0 {
            self.waiting.remove(&client);
        } else {
            self.crowds.insert((after, client));
        }
        changed
    }
}

/// Nothing in here panics halfway.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};
    use std::time::Duration;

    use super::*;

    fn client(last: u8) -> Client {
        IpAddr::from(Ipv4Addr::new(192, 0, 2, last)).into()
    }

    fn gone(seat: &Seat) -> bool {
        seat.given_away.is_cancelled()
    }

    async fn has_room(seats: &Seats) -> bool {
        tokio::time::timeout(Duration::from_millis(20), seats.room())
            .await
            .is_ok()
    }

    #[test]
    fn the_longest_of_the_largest_crowd_gives_way() {
        let seats = Seats::new(4, 100);
        let other = seats.take(client(2), true);
        let crowd: Vec<_> = (0..3).map(|_| seats.take(client(1), true)).collect();
        let newest = seats.take(client(3), true);
        assert_eq!(
            crowd.iter().map(|seat| gone(seat)).collect::<Vec<_>>(),
            [true, false, false]
        );
        // It said something, so that another one has waited longer.
        crowd[1].wait(client(1), true);
        let _next = seats.take(client(3), true);
        assert_eq!(
            crowd.iter().map(|seat| gone(seat)).collect::<Vec<_>>(),
            [true, false, true]
        );
        assert!(!gone(&other) && !gone(&newest));
        // Whose seat was given away has none to give back.
        drop(crowd);
        let freed = seats.take(client(4), true);
        assert!(!gone(&other) && !gone(&newest) && !gone(&freed));
    }

    #[tokio::test]
    async fn a_request_at_work_never_gives_way_and_leaves_seats_for_others() {
        let seats = Seats::new(4, 100);
        let platform: Vec<_> = (0..3).map(|_| seats.take(client(1), true)).collect();
        assert!(platform.iter().all(|seat| seat.hold()));
        let fourth = seats.take(client(1), true);
        assert!(!fourth.hold(), "the rest is for others");
        assert!(has_room(&seats).await);
        let somebody = seats.take(client(9), true);
        assert!(gone(&fourth) && !fourth.hold());
        fourth.wait(client(1), true);
        let _somebody_else = seats.take(client(8), true);
        assert!(gone(&somebody));
        assert!(platform.iter().all(|seat| !gone(seat)));
        platform[0].wait(client(1), true);
        assert!(platform[0].hold(), "held again for the next request");
    }

    #[tokio::test]
    async fn without_anything_to_give_away_newcomers_wait() {
        let seats = Seats::new(1, 100);
        let only = seats.take(client(1), true);
        assert!(has_room(&seats).await, "it waits");
        assert!(only.hold());
        assert!(!has_room(&seats).await, "it is at work");
        let (room, ()) = tokio::join!(has_room(&seats), async { drop(only) });
        assert!(room);
    }

    #[test]
    fn a_client_has_its_limit_and_a_hop_has_none() {
        let seats = Seats::new(100, 2);
        let ours: Vec<_> = (0..3).map(|_| seats.take(client(1), true)).collect();
        assert_eq!(
            ours.iter().map(|seat| gone(seat)).collect::<Vec<_>>(),
            [true, false, false]
        );
        let router: Vec<_> = (0..10).map(|_| seats.take(client(2), false)).collect();
        assert!(router.iter().all(|seat| !gone(seat)));
        // Its requests name the client, who then has three.
        router[0].wait(client(1), true);
        assert!(gone(&ours[1]) && !gone(&ours[2]));
    }
}
