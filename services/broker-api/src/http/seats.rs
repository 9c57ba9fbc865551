//! Which connections stay when there are more than the listener has seats for.
//!
//! A connection *waits* while it waits for its client (for a first byte, for the next request) or for a response to an
//! unauthenticated request; it is *held* while a request with valid credentials is processed. A waiting connection
//! gives way to a new one: first the longest-waiting connection of the client that has the most. A held connection
//! never does, so no client without a password keeps a seat from others.

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
    /// A sequence number: orders connections by when they began to wait.
    turn: u64,
    waiting: HashMap<Client, BTreeMap<u64, CancellationToken>>,
    /// The same clients, ordered by their number of waiting connections.
    crowds: BTreeSet<(usize, Client)>,
}

/// The state of a connection.
#[derive(Clone, Copy)]
enum Place {
    Waiting(Client, u64),
    Held,
}

/// The seat of one connection; released on drop.
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

    /// Waits until a seat is free, or one can be reassigned.
    pub(crate) async fn room(&self) {
        loop {
            let changed = self.changed.notified();
            if lock(&self.table).has_room() {
                return;
            }
            changed.await;
        }
    }

    /// Reassigns the next seat in line, if any connection waits.
    pub(crate) fn make_room(&self) {
        lock(&self.table).give_way("full");
    }

    /// A seat for a connection of that client. `limited`: false for a hop, which stands for many clients.
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
    /// From now on the connection counts as waiting for this client: for its response, or for its next request.
    pub(crate) fn wait(&self, client: Client, limited: bool) {
        let (mut table, mut place) = (lock(&self.seats.table), lock(&self.place));
        if table.leave(*place) {
            *place = Place::Waiting(client, table.wait(client, limited, self.given_away.clone()));
            drop(table);
            self.seats.changed.notify_one();
        }
    }

    /// The seat can't be reassigned until the connection waits again. `false`: too many are held already, and the rest
    /// is left to others.
    pub(crate) fn hold(&self) -> bool {
        let (mut table, mut place) = (lock(&self.seats.table), lock(&self.place));
        if table.held >= table.most_held() || !table.leave(*place) {
            return false;
        }
        table.held += 1;
        *place = Place::Held;
        true
    }

    /// Whom the connection waits for: the client of its request, or the hop that named none. `None`: it is held.
    pub(crate) fn client(&self) -> Option<Client> {
        match *lock(&self.place) {
            Place::Waiting(client, _) => Some(client),
            Place::Held => None,
        }
    }

    /// Resolves when the seat is reassigned.
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

    /// A quarter is always left for waiting connections, which include the CA's.
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

    /// Removes the connection from its current place; `false` when its seat was reassigned.
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

/// No code in here panics while it holds the lock, so poisoning can be ignored.
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
        // It sent something, so another one has waited longer.
        crowd[1].wait(client(1), true);
        let _next = seats.take(client(3), true);
        assert_eq!(
            crowd.iter().map(|seat| gone(seat)).collect::<Vec<_>>(),
            [true, false, true]
        );
        assert!(!gone(&other) && !gone(&newest));
        // A connection whose seat was reassigned has none to release.
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
        // The router's requests name the client, which then has three.
        router[0].wait(client(1), true);
        assert!(gone(&ours[1]) && !gone(&ours[2]));
    }
}
