//! Publishes the wake-ups that a transaction returned, while the platform has its answer already. Only the commit matters: if
//! a message isn't published, the sweeper finds the step.

use messaging::Trace;
use pipeline::WakeUp;
use telemetry::with_causes;
use tracing::Instrument as _;

use crate::osbapi::broker::Broker;

impl Broker {
    /// Publishes in the background, or leaves it to the sweeper.
    pub(crate) fn publish(&self, wake_ups: Vec<WakeUp>) {
        let (messaging, store) = (self.messaging.clone(), self.store.clone());
        let trace = Trace {
            parent: telemetry::traceparent(),
            previous: None,
        };
        let publishing = async move {
            let Err(error) = messaging.publish(&wake_ups, &trace).await else {
                return;
            };
            tracing::warn!(
                error = with_causes(&error),
                wake_ups = wake_ups.len(),
                "not published; the sweeper will publish it"
            );
            if let Err(error) = store.not_published(&wake_ups).await {
                tracing::warn!(
                    error = with_causes(&error),
                    "nor recorded: the sweeper publishes it after SWEEP_GRACE"
                );
            }
        };
        self.publishing.spawn(publishing.in_current_span());
    }

    /// Waits until the wake-ups of accepted requests are published; no more are accepted.
    pub async fn finish_publishing(&self) {
        self.publishing.close();
        self.publishing.wait().await;
    }
}
