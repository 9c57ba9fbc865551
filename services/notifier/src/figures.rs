//! How many letters wait, and for how long: gauges from the database, which every process has, like those of broker-api.

use std::time::Duration;

use store::Store;
use telemetry::with_causes;

/// Sets the gauges again and again. While the database doesn't answer they stay: an outage is told elsewhere.
pub(crate) async fn measure(store: Store, every: Duration) {
    loop {
        match store.notice_figures().await {
            Ok(figures) => {
                metrics::gauge!("letters_waiting").set(figures.waiting as f64);
                metrics::gauge!("letters_oldest_seconds", "channel" => "mail").set(figures.oldest_seconds);
            }
            Err(error) => tracing::debug!(error = with_causes(&error), "the letters that wait can't be counted"),
        }
        tokio::time::sleep(every).await;
    }
}
