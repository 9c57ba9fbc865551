//! Reads what is served from PostgreSQL: whole, whenever something has changed, and every few seconds in case a notification was lost.

use std::sync::Arc;
use std::time::{Duration, Instant};

use store::{DatabaseArgs, StoreError, ZoneFeed};
use telemetry::with_causes;
use tokio::time::{sleep, timeout};

use crate::board::Board;
use crate::names::Names;

/// Longer than a connection takes to be made or refused.
const CONNECTING: Duration = Duration::from_secs(20);
/// A connection on which the zone can't be read for so long is given up: until then a name that was made meanwhile is said not to exist.
pub const READING: Duration = Duration::from_secs(3);
/// However many notifications come, PostgreSQL reads for this service at most a fifth of the time, unless the interval is
/// shorter than that, and at most 50 times a second.
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
        board.interrupted();
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
    let mut feed = within(CONNECTING, ZoneFeed::connect(&feeding.database, "dns-responder")).await?;
    let mut first = true;
    loop {
        let begun = Instant::now();
        let served = within(READING, feed.served(&feeding.zone)).await?;
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
        let rest = rest(begun.elapsed(), feeding.interval);
        sleep(rest).await;
        // The time is up: read it all the same.
        if let Ok(changed) = timeout(feeding.interval.saturating_sub(rest), feed.changed()).await {
            changed?;
        }
    }
}

/// For how long no notification is listened to after a reading that took so long: never beyond the interval.
fn rest(took: Duration, interval: Duration) -> Duration {
    (took * REST).max(SHORTEST_REST).min(interval)
}

async fn within<T>(limit: Duration, work: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
    let late = |_| StoreError::Unavailable(format!("no answer within {limit:?}").into());
    timeout(limit, work).await.map_err(late)?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reading_that_takes_long_is_repeated_after_the_interval_all_the_same() {
        let interval = Duration::from_secs(5);
        for (took, expected) in [(1, 20), (50, 200), (1_000, 4_000), (3_000, 5_000)] {
            let rest = rest(Duration::from_millis(took), interval);
            assert_eq!(rest, Duration::from_millis(expected), "{took} ms");
        }
    }
}
