//! A visitor who opens one domain after the other, continuously.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use customer::Browser;
use futures_util::{StreamExt as _, stream};

/// The number of domains that are opened concurrently.
const AT_ONCE: usize = 4;
/// The pause of each before the next visit.
const PAUSE: Duration = Duration::from_millis(150);

/// The visitor's access to the edge.
pub(crate) struct Visitor {
    pub(crate) browser: Browser,
    pub(crate) domains: Vec<String>,
}

/// The results of the visits.
#[derive(Default)]
pub(crate) struct Visits(Mutex<(u64, Vec<String>)>);

impl Visits {
    /// The number of visits, and the failed ones.
    pub(crate) fn seen(&self) -> (u64, Vec<String>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn add(&self, failure: Option<String>) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.0 += 1;
        seen.1.extend(failure);
    }
}

/// Visits for ever: a new connection each time, with the certificate verified.
pub(crate) async fn visit(visitor: Visitor, visits: Arc<Visits>) {
    stream::iter(visitor.domains.iter().cycle())
        .for_each_concurrent(AT_ONCE, async |domain| {
            let failure = match visitor.browser.https(domain, "/").await {
                Ok(visit) if visit.status == 200 => None,
                Ok(visit) => Some(format!("{domain}: {}", visit.status)),
                Err(error) => Some(format!("{domain}: {error:#}")),
            };
            visits.add(failure);
            tokio::time::sleep(PAUSE).await;
        })
        .await;
}
