//! Which pages are open in this process, and for how many readers.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use store::Store;
use tokio::sync::{Notify, Semaphore, watch};
use tokio::task::JoinHandle;

use crate::http::hops::Client;
use crate::page::live::follow::follow;
use crate::page::live::pieces::Pieces;

/// The most readers of one client: a person has no more tabs in sight.
const EACH: usize = 8;
/// How many pages are read and rendered at a time because they have changed.
const AT_ONCE: usize = 2;

/// The pages that are open.
pub(crate) struct Hub {
    pub(super) store: Store,
    /// The most readers.
    most: usize,
    state: Mutex<State>,
    /// A page was opened.
    pub(super) opened: Notify,
    /// A permit for each page that may be made now.
    pub(super) turns: Semaphore,
}

#[derive(Default)]
struct State {
    /// By their paths, and whether they have buttons: of one instance there are several while a key is replaced.
    pages: HashMap<String, Open>,
    readers: usize,
    clients: HashMap<Client, usize>,
    /// What is told of changes, as long as a page is open.
    follower: Option<JoinHandle<()>>,
}

/// A page that somebody reads.
struct Open {
    instance: String,
    readers: usize,
    /// What PostgreSQL had of it when it was last compared. `None`: it was not read yet.
    version: Option<i64>,
    changed: Arc<Notify>,
    shown: watch::Receiver<Shown>,
}

/// What a reader of a page gets.
#[derive(Clone, Debug)]
pub(super) enum Shown {
    /// It was not read yet.
    Nothing,
    /// The page as it is.
    Page(Arc<Pieces>),
    /// There is no such page any more.
    Ended,
}

/// A reader of a page.
pub(super) struct Reader {
    pub(super) shown: watch::Receiver<Shown>,
    pub(super) place: Place,
}

/// What the first reader of a page finds: nobody keeps the page up to date yet.
pub(super) struct First {
    pub(super) shown: watch::Sender<Shown>,
    pub(super) changed: Arc<Notify>,
}

/// A page was opened.
pub(super) struct Entered {
    pub(super) reader: Reader,
    /// The page was not open before.
    pub(super) first: Option<First>,
}

/// A reader's place; given back on drop.
pub(super) struct Place {
    hub: Arc<Hub>,
    base: String,
    client: Option<Client>,
}

impl Hub {
    pub(crate) fn new(store: Store, most: u32) -> Arc<Self> {
        Arc::new(Self {
            store,
            most: usize::try_from(most).unwrap_or(usize::MAX),
            state: Mutex::default(),
            opened: Notify::new(),
            turns: Semaphore::new(AT_ONCE),
        })
    }

    /// A place for one more reader of the page at this path. `None`: there are too many, in all or of this client. Hops that name no
    /// client may stand for many.
    pub(super) fn enter(self: &Arc<Self>, base: &str, instance: &str, client: Option<Client>) -> Option<Entered> {
        let mut state = self.lock();
        if state.readers >= self.most {
            return None;
        }
        if let Some(client) = client {
            let theirs = state.clients.entry(client).or_default();
            if *theirs >= EACH {
                return None;
            }
            *theirs += 1;
        }
        state.readers += 1;
        metrics::gauge!("live_pages").set(state.readers as f64);
        let (shown, first) = match state.pages.entry(base.to_owned()) {
            Entry::Occupied(mut open) => {
                let open = open.get_mut();
                open.readers += 1;
                (open.shown.clone(), None)
            }
            Entry::Vacant(vacant) => {
                let (sender, shown) = watch::channel(Shown::Nothing);
                let changed = Arc::new(Notify::new());
                vacant.insert(Open {
                    instance: instance.to_owned(),
                    readers: 1,
                    version: None,
                    changed: changed.clone(),
                    shown: shown.clone(),
                });
                let first = First { shown: sender, changed };
                (shown, Some(first))
            }
        };
        if first.is_some() {
            // One that has panicked is finished, too.
            if state.follower.as_ref().is_none_or(JoinHandle::is_finished) {
                state.follower = Some(tokio::spawn(follow(self.clone())));
            }
            self.opened.notify_one();
        }
        let place = Place {
            hub: self.clone(),
            base: base.to_owned(),
            client,
        };
        Some(Entered {
            reader: Reader { shown, place },
            first,
        })
    }

    /// The instances whose pages are open. `None`: there are none, and whoever follows their changes ends.
    pub(super) fn watched(&self) -> Option<Vec<String>> {
        let mut state = self.lock();
        let mut instances: Vec<String> = state.pages.values().map(|open| open.instance.clone()).collect();
        if instances.is_empty() {
            state.follower = None;
            return None;
        }
        instances.sort_unstable();
        instances.dedup();
        Some(instances)
    }

    /// The page at this path, as whoever is told of its changes by `changed` reads it, depends on this.
    pub(super) fn reads(&self, base: &str, changed: &Arc<Notify>, version: i64) {
        // It may have been closed, and opened again, which is read by another task.
        if let Some(open) = self.lock().pages.get_mut(base)
            && Arc::ptr_eq(&open.changed, changed)
        {
            open.version = Some(version);
        }
    }

    /// The instance's page has changed.
    pub(super) fn changed(&self, instance: &str) {
        let state = self.lock();
        let theirs = state.pages.values().filter(|open| open.instance == instance);
        theirs.for_each(|open| open.changed.notify_one());
    }

    /// What PostgreSQL has of the pages now: those that differ from what was read have changed.
    pub(super) fn compare(&self, versions: &HashMap<String, i64>) {
        for open in self.lock().pages.values_mut() {
            let now = versions.get(&open.instance).copied();
            if open.version.is_some() && now.is_some() && open.version != now {
                open.version = now;
                open.changed.notify_one();
            }
        }
    }

    /// No code in here panics while it holds the lock, so poisoning can be ignored.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut state = self.hub.lock();
        state.readers -= 1;
        metrics::gauge!("live_pages").set(state.readers as f64);
        if let Some(client) = self.client
            && let Entry::Occupied(mut theirs) = state.clients.entry(client)
        {
            *theirs.get_mut() -= 1;
            if *theirs.get() == 0 {
                theirs.remove();
            }
        }
        if let Some(open) = state.pages.get_mut(&self.base) {
            open.readers -= 1;
            if open.readers == 0 {
                // The last receiver goes with it: whoever keeps the page ends.
                state.pages.remove(&self.base);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use store::DatabaseArgs;

    use super::*;

    fn hub(most: u32) -> Arc<Hub> {
        let args = DatabaseArgs::at("postgres://nobody@127.0.0.1:1/none");
        Hub::new(Store::new(&args, "test").unwrap(), most)
    }

    fn client(last: u8) -> Option<Client> {
        Some(IpAddr::from(Ipv4Addr::new(192, 0, 2, last)).into())
    }

    async fn is_changed(first: &First) -> bool {
        let notified = tokio::time::timeout(std::time::Duration::ZERO, first.changed.notified());
        notified.await.is_ok()
    }

    #[tokio::test]
    async fn a_client_has_eight_places_and_all_have_so_many() {
        let hub = hub(20);
        let enter = |client| hub.enter("/i/a/t", "a", client);
        let mut theirs: Vec<_> = (0..EACH).map(|_| enter(client(1)).unwrap()).collect();
        assert!(enter(client(1)).is_none());
        theirs.pop();
        theirs.push(enter(client(1)).unwrap());
        // Nobody knows how many stand behind a hop.
        let others: Vec<_> = (0..12).map(|_| enter(None).unwrap()).collect();
        assert!(enter(None).is_none() && enter(client(2)).is_none());
        drop(others);
        assert!(enter(client(2)).is_some());
    }

    #[tokio::test]
    async fn a_page_is_kept_once_for_all_of_its_readers() {
        let hub = hub(20);
        let mut one = hub.enter("/i/a/t", "a", None).unwrap();
        let two = hub.enter("/i/a/t", "a", None).unwrap();
        let first = one.first.take().unwrap();
        assert!(two.first.is_none());
        assert_eq!(hub.watched().unwrap(), ["a"]);
        drop(one);
        assert!(!first.shown.is_closed());
        drop(two);
        assert!(first.shown.is_closed());
        assert!(hub.watched().is_none());
        assert!(hub.enter("/i/a/t", "a", None).unwrap().first.is_some());
    }

    #[tokio::test]
    async fn only_what_differs_from_what_was_read_has_changed() {
        let hub = hub(20);
        let mut a = hub.enter("/i/a/t", "a", None).unwrap();
        let mut b = hub.enter("/i/b/t", "b", None).unwrap();
        let (a, b) = (a.first.take().unwrap(), b.first.take().unwrap());
        let versions = |a: i64, b: i64| HashMap::from([("a".to_owned(), a), ("b".to_owned(), b)]);
        hub.reads("/i/a/t", &a.changed, 1);
        // The other one was not read yet: it is read after this.
        hub.compare(&versions(1, 1));
        assert!(!is_changed(&a).await && !is_changed(&b).await);
        hub.reads("/i/b/t", &b.changed, 1);
        hub.compare(&versions(1, 2));
        assert!(!is_changed(&a).await && is_changed(&b).await);
        hub.compare(&versions(1, 2));
        assert!(!is_changed(&b).await, "it is told once");
        hub.changed("a");
        assert!(is_changed(&a).await && !is_changed(&b).await);
    }
}
