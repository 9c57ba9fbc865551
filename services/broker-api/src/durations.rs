//! How long steps usually take, for the status pages: measured once an hour, by one broker-api for all.

use std::time::Duration;

use store::Store;
use telemetry::with_causes;

/// How often they are measured, by whichever process …
const EVERY: Duration = Duration::from_secs(3_600);
/// … and how often each process looks whether they were.
const LOOK: Duration = Duration::from_secs(60);

/// Measures them in an endless loop. A failure leaves what was measured before, which is of no worse use.
pub async fn measure_durations(store: Store) {
    loop {
        if let Err(error) = store.count_durations(EVERY).await {
            tracing::info!(
                error = with_causes(&error),
                "how long steps take can't be measured now; the status pages keep the last figures"
            );
        }
        tokio::time::sleep(LOOK).await;
    }
}
