//! How often one client may ask for pages, and looks at the domains of one instance be asked for, from here or from outside: token buckets, as those of dns-responder.

use std::hash::{BuildHasher as _, Hash, RandomState};
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use crate::http::hops::Client;
use crate::osbapi::Broker;
use crate::page::refusal::Refusal;

/// A bucket for each remainder of the hash; who meets another one's shares its bucket. 16,384 of 8 bytes.
const BUCKETS: u64 = 1 << 14;
const MINUTE: u64 = 60_000_000;

/// How often one client may ask, and how many pages may be open.
#[derive(Clone, Copy, Debug, clap::Args)]
#[command(next_help_heading = "Status pages")]
pub struct PageLimit {
    /// The most requests a minute that one client (for IPv6: one /64) may make for status pages and their files, after as many at
    /// once; more are answered by 429. It is the client that TRUSTED_HOPS name by X-Forwarded-For. 0: no limit.
    #[arg(long, env, default_value_t = 300, value_parser = clap::value_parser!(u32).range(0..=100_000))]
    pub page_rate_limit: u32,
    /// The most open pages of this process that show changes by themselves, as browsers with a script have them; 8 of them for one
    /// client. Others are answered by 503, and read the page again every 30 seconds. 0: none.
    #[arg(long, env, default_value_t = 500, value_parser = clap::value_parser!(u32).range(0..=65_536))]
    pub live_pages: u32,
}

/// The buckets.
pub(crate) struct Limit {
    /// How long one request takes to be refilled, in microseconds.
    interval: u64,
    begun: Instant,
    /// Its key is random, so that nobody can choose what shares a bucket.
    hasher: RandomState,
    /// Microseconds after the start at which each bucket is full again; before that it has less.
    full_at: Mutex<Vec<u64>>,
}

impl Limit {
    pub(crate) fn new(per_minute: NonZeroU32) -> Self {
        Self {
            interval: MINUTE / u64::from(per_minute.get()),
            begun: Instant::now(),
            hasher: RandomState::new(),
            full_at: Mutex::new(vec![0; BUCKETS as usize]),
        }
    }

    /// Whether another one would be admitted now. Nothing is counted.
    pub(crate) fn has_room(&self, whose: impl Hash, now: Instant) -> bool {
        let at = self.hasher.hash_one(whose) % BUCKETS;
        let now = u64::try_from(now.duration_since(self.begun).as_micros()).unwrap_or_default();
        let buckets = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        let full_at = usize::try_from(at).ok().and_then(|at| buckets.get(at)).copied();
        full_at.is_none_or(|full_at| full_at.max(now) + self.interval - now <= MINUTE)
    }

    /// Counts a request of this client or for this instance, and says whether it is admitted.
    pub(crate) fn admits(&self, whose: impl Hash, now: Instant) -> bool {
        let at = self.hasher.hash_one(whose) % BUCKETS;
        let now = u64::try_from(now.duration_since(self.begun).as_micros()).unwrap_or_default();
        let mut buckets = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(bucket) = usize::try_from(at).ok().and_then(|at| buckets.get_mut(at)) else {
            return true;
        };
        let full_at = (*bucket).max(now) + self.interval;
        let admitted = full_at - now <= MINUTE;
        if admitted {
            *bucket = full_at;
        }
        admitted
    }
}

/// Refuses what comes too often. Of hops that name no client there may be many behind one address, so they have no limit.
pub(crate) async fn limit(State(broker): State<Arc<Broker>>, request: Request, next: Next) -> Response {
    let client = request.extensions().get::<Client>().copied();
    let limit = broker.pages.as_ref().and_then(|pages| pages.limit.as_ref());
    if let (Some(client), Some(limit)) = (client, limit)
        && !limit.admits(client, Instant::now())
    {
        return Refusal::TooMany.into_response();
    }
    next.run(request).await
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_client_gets_its_rate_after_a_burst_and_takes_nothing_from_others() {
        let limit = Limit::new(NonZeroU32::new(60).unwrap());
        let begun = Instant::now();
        let admitted = |from: &str, after: u64, times: u32| {
            let client = Client::from(from.parse::<IpAddr>().unwrap());
            let now = begun + Duration::from_millis(after);
            (0..times).filter(|_| limit.admits(client, now)).count()
        };
        let client = Client::from("192.0.2.1".parse::<IpAddr>().unwrap());
        assert!(limit.has_room(client, begun));
        assert_eq!(admitted("192.0.2.1", 0, 70), 60);
        assert!(!limit.has_room(client, begun));
        // One a second.
        assert_eq!(admitted("192.0.2.1", 2_500, 70), 2);
        assert_eq!(admitted("192.0.2.1", 300_000, 70), 60);
        // One of them may meet the first one's bucket, two hardly ever.
        let others = (0..10).filter(|number| admitted(&format!("2001:db8:0:{number}::1"), 300_000, 1) == 1);
        assert!(others.count() >= 9);
    }
}
