//! A visitor who opens one domain after the other, all the time.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use customer::Browser;
use futures_util::{StreamExt as _, stream};

/// So many domains are opened at the same time.
const AT_ONCE: usize = 4;
/// Pause of each before the next.
const PAUSE: Duration = Duration::from_millis(150);

/// Who visits.
pub(crate) struct Visitor {
    pub(crate) browser: Browser,
    pub(crate) domains: Vec<String>,
}

/// What was seen.
#[derive(Default)]
pub(crate) struct Visits(Mutex<(u64, Vec<String>)>);

impl Visits {
    /// How many there were, and the ones that failed.
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
