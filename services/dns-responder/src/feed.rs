//! Reads what is served from PostgreSQL: whole, whenever something has changed, and every few seconds in case a notification was lost.

use std::sync::Arc;
use std::time::{Duration, Instant};

use store::{DatabaseArgs, StoreError, ZoneFeed};
use telemetry::with_causes;
use tokio::time::{sleep, timeout};

use crate::board::Board;
use crate::names::Names;

/// A connection that doesn't answer for so long is given up.
const LIMIT: Duration = Duration::from_secs(20);
/// However many notifications come, PostgreSQL reads for this service at most a fifth of the time, and at most 50 times a second.
const REST: u32 = 4;
const SHORTEST_REST: Duration = Duration::from_millis(20);
/// Between two attempts to connect.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

/// Where to read, and how often.
#[derive(Clone, Debug)]
pub struct Feeding {
    /// PostgreSQL.
    pub database: DatabaseArgs,
    /// The zone, without the dot at the end.
    pub zone: String,
    /// How often it is read without a notification.
    pub interval: Duration,
}

/// Keeps the board up to date, forever. While PostgreSQL can't be read, what was read before stays there.
pub async fn follow(feeding: &Feeding, board: &Arc<Board>) {
    let mut pause = FIRST_PAUSE;
    loop {
        let begun = Instant::now();
        let Err(error) = follow_connection(feeding, board).await;
        // It had worked for a while.
        if begun.elapsed() > LONGEST_PAUSE {
            pause = FIRST_PAUSE;
        }
        metrics::counter!("dns_feed_interruptions_total").increment(1);
        match board.age() {
            None => tracing::warn!(
                error = with_causes(&error),
                "waiting for the zone in PostgreSQL: nothing is answered yet"
            ),
            Some(age) => tracing::warn!(
                error = with_causes(&error),
                age_seconds = age.as_secs(),
                "PostgreSQL can't be read: what was read before is served"
            ),
        }
        sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

async fn follow_connection(feeding: &Feeding, board: &Board) -> Result<std::convert::Infallible, StoreError> {
    let mut feed = within(ZoneFeed::connect(&feeding.database, "dns-responder")).await?;
    let mut first = true;
    loop {
        let begun = Instant::now();
        let served = within(feed.served(&feeding.zone)).await?;
        let names = Names::new(served.names, served.serial);
        if std::mem::take(&mut first) {
            tracing::info!(
                names = names.count(),
                values = names.count_values(),
                "the zone was read from PostgreSQL"
            );
        }
        metrics::gauge!("dns_names").set(names.count() as f64);
        metrics::gauge!("dns_values").set(names.count_values() as f64);
        board.set(names);
        metrics::histogram!("dns_feed_duration_seconds").record(begun.elapsed());
        sleep((begun.elapsed() * REST).max(SHORTEST_REST)).await;
        // The time is up: read it all the same.
        if let Ok(changed) = timeout(feeding.interval, feed.changed()).await {
            changed?;
        }
    }
}

async fn within<T>(work: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
    let late = |_| StoreError::Unavailable(format!("no answer within {LIMIT:?}").into());
    timeout(LIMIT, work).await.map_err(late)?
}
