//! Changes of the pages that are open, as PostgreSQL notifies them: one connection for all of them, as long as there are any.
//!
//! A notification can get lost with its connection, and a change that was being written when its page was opened notifies nobody. So
//! what the pages depend on is read every [`EVERY`], for all of them at once, and soon after one was opened.

use std::sync::Arc;
use std::time::Duration;

use store::{PageFeed, StoreError};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use crate::page::live::hub::Hub;

/// Less than half of the minute for which a page that is open is known to be.
const EVERY: Duration = Duration::from_secs(25);
/// A transaction that had begun before a page was opened has ended after that.
const SETTLED: Duration = Duration::from_secs(2);
/// Between two attempts to connect.
const PAUSE: Duration = Duration::from_secs(1);
/// A connection on which nothing is answered for so long is given up.
const PATIENCE: Duration = Duration::from_secs(5);

/// Tells the open pages of their changes, until none is open.
pub(super) async fn follow(hub: Arc<Hub>) {
    while let Err(error) = follow_connection(&hub).await {
        tracing::warn!(
            error = telemetry::with_causes(&error),
            "changes of open status pages are not told; trying again"
        );
        sleep(PAUSE).await;
    }
}

/// Returns when no page is open.
async fn follow_connection(hub: &Hub) -> Result<(), StoreError> {
    if hub.watched().is_none() {
        return Ok(());
    }
    let mut feed = within(hub.store.page_feed()).await?;
    while let Some(instances) = hub.watched() {
        hub.compare(&within(feed.renew(&instances)).await?);
        until_the_next_renewal(&mut feed, hub).await?;
    }
    Ok(())
}

async fn until_the_next_renewal(feed: &mut PageFeed, hub: &Hub) -> Result<(), StoreError> {
    let mut next = Instant::now() + EVERY;
    loop {
        tokio::select! {
            changed = feed.changed() => hub.changed(&changed?),
            () = hub.opened.notified() => next = next.min(Instant::now() + SETTLED),
            () = sleep_until(next) => return Ok(()),
        }
    }
}

async fn within<T>(work: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
    let late = |_| StoreError::Unavailable(format!("no answer within {PATIENCE:?}").into());
    timeout(PATIENCE, work).await.map_err(late)?
}
