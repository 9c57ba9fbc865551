//! A hundred domains that wait for values which the broker writes at once are not a hundred looks at the same name servers every
//! quarter of a second: one domain is looked at often, and when its value is everywhere, the others are looked at together.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use challenge_verifier::Prober;
use futures_util::{StreamExt as _, stream};
use pipeline::proof::Method;
use store::{Authorization, Challenge, Published};
use time::OffsetDateTime;
use tokio::time::{Instant, timeout, timeout_at};
use uuid::Uuid;

use crate::handler::expected;

/// The method of all of them: the others depend on what each tenant's own name servers have.
const METHOD: Method = Method::DelegatedDns01;
/// How many are looked at simultaneously.
const AT_ONCE: usize = 16;
/// What takes longer is left to the domain's own look.
const A_LOOK: Duration = Duration::from_secs(1);
/// The same for all looks.
const WITHIN: Duration = Duration::from_secs(3);

/// The orders whose domains are being looked at together, by this process.
#[derive(Debug, Default)]
pub(crate) struct Together {
    orders: Mutex<HashSet<Uuid>>,
}

impl Together {
    /// Those of the domains that are proved by the broker's values, as their own looks would see it. None while another delivery
    /// looks at the same order.
    pub(crate) async fn verified(
        &self,
        prober: &Prober,
        first: &Challenge,
        others: Vec<Authorization>,
        now: OffsetDateTime,
    ) -> Vec<String> {
        let order = first.order.id;
        if !self.orders.lock().unwrap_or_else(PoisonError::into_inner).insert(order) {
            return Vec::new();
        }
        let _looking = Looking { all: self, order };
        let until = Instant::now() + WITHIN;
        let looks = stream::iter(others).map(async |mut other| {
            other.challenges = other.challenges.only(METHOD);
            let expected = expected(&first.order, other, first.caa_identities.clone());
            let look = timeout(A_LOOK, prober.probe(&expected, now)).await.ok()?;
            (look.ready() == Some(METHOD)).then_some(expected.domain)
        });
        let mut looks = looks.buffer_unordered(AT_ONCE);
        let mut verified = Vec::new();
        while let Ok(Some(seen)) = timeout_at(until, looks.next()).await {
            verified.extend(seen);
        }
        verified
    }
}

/// An order in the list until this is dropped: an attempt can be abandoned.
struct Looking<'t> {
    all: &'t Together,
    order: Uuid,
}

impl Drop for Looking<'_> {
    fn drop(&mut self) {
        let mut orders = self.all.orders.lock().unwrap_or_else(PoisonError::into_inner);
        orders.remove(&self.order);
    }
}

/// The broker's own DNS servers need a moment to take a value over: when to probe again, by the time since it was written. `None`:
/// by the schedule. `seen_here`: the value is there, though it may not have been recorded yet that it was written.
pub(crate) fn rest_after_publication(published: Published, seen_here: bool) -> Option<Duration> {
    let Some(since) = published.since else {
        return seen_here.then_some(Duration::from_secs(5));
    };
    let (first, follower) = match since.as_secs() {
        ..30 => (250, 5_000),
        30..600 => (5_000, 30_000),
        _ => return None,
    };
    Some(Duration::from_millis(if published.follows { follower } else { first }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_domain_looks_often_for_a_value_that_was_just_written() {
        for (since, follows, rest) in [
            (0, false, Some(250)),
            (29, false, Some(250)),
            (29, true, Some(5_000)),
            (30, false, Some(5_000)),
            (599, true, Some(30_000)),
            (600, false, None),
            (600, true, None),
        ] {
            let published = Published {
                since: Some(Duration::from_secs(since)),
                everywhere: true,
                follows,
            };
            let rest_for = rest_after_publication(published, false);
            assert_eq!(rest_for, rest.map(Duration::from_millis), "{since} {follows}");
        }
        let unrecorded = Published {
            since: None,
            everywhere: false,
            follows: false,
        };
        assert_eq!(rest_after_publication(unrecorded, false), None);
        assert_eq!(rest_after_publication(unrecorded, true), Some(Duration::from_secs(5)));
    }
}
