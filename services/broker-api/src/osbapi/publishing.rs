//! Publishes the wake-ups that a transaction returned. Only the commit matters: if a message isn't published, the
//! sweeper finds the step.

use std::time::Duration;

use messaging::Trace;
use pipeline::WakeUp;
use tracing::Instrument as _;

use crate::osbapi::broker::Broker;

/// The platform waits for its response during this time.
const PATIENCE: Duration = Duration::from_secs(2);

impl Broker {
    /// Publishes, or leaves it to the sweeper.
    pub(crate) async fn publish(&self, wake_ups: Vec<WakeUp>) {
        let messaging = self.messaging.clone();
        let trace = Trace {
            parent: telemetry::traceparent(),
            previous: None,
        };
        let published = wake_ups.clone();
        // In a separate task: cancelling it would prevent a slow connection from ever being established, and a dead one
        // from being given up. A message that is published late or twice does no harm.
        let publishing = tokio::spawn(async move { messaging.publish(&published, &trace).await }.in_current_span());
        let why = match tokio::time::timeout(PATIENCE, publishing).await {
            Ok(Ok(Ok(()))) => return,
            Ok(Ok(Err(error))) => format!("{:#}", anyhow::Error::from(error)),
            Ok(Err(_)) => "it broke off".to_string(),
            Err(_) => format!("it takes longer than {PATIENCE:?}"),
        };
        tracing::warn!(
            error = why,
            wake_ups = wake_ups.len(),
            "not published; the sweeper will publish it"
        );
        if let Err(error) = self.store.not_published(&wake_ups).await {
            let error = anyhow::Error::from(error);
            tracing::warn!(
                error = format!("{error:#}"),
                "nor recorded: the sweeper publishes it after SWEEP_GRACE"
            );
        }
    }
}
