//! Publishes the wake-ups that a transaction returned, while the platform has its answer already. Only the commit matters: if
//! a message isn't published, the sweeper finds the step.

use std::pin::pin;
use std::time::Duration;

use messaging::Trace;
use pipeline::WakeUp;
use store::Store;
use telemetry::with_causes;
use tokio::sync::oneshot;
use tracing::Instrument as _;

use crate::osbapi::broker::Broker;

/// What isn't published by then is left to the next sweep, even if it is published later: RabbitMQ may be silent for long.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long the last wake-ups may take when this process ends: long enough to leave them to the sweeper.
const AT_THE_END: Duration = Duration::from_millis(1_500);

impl Broker {
    /// Publishes in the background, or leaves it to the sweeper.
    pub(crate) fn publish(&self, wake_ups: Vec<WakeUp>) {
        drop(self.begin_publishing(wake_ups));
    }

    /// The same; says whether it was published, and not left to the sweeper.
    pub(crate) async fn publish_at_once(&self, wake_ups: Vec<WakeUp>) -> bool {
        self.begin_publishing(wake_ups).await.unwrap_or(false)
    }

    fn begin_publishing(&self, wake_ups: Vec<WakeUp>) -> oneshot::Receiver<bool> {
        let (told, is_published) = oneshot::channel();
        let (messaging, store) = (self.messaging.clone(), self.store.clone());
        let trace = Trace {
            parent: telemetry::traceparent(),
            previous: None,
        };
        let publishing = async move {
            let mut published = pin!(messaging.publish(&wake_ups, &trace));
            match tokio::time::timeout(PATIENCE, published.as_mut()).await {
                Ok(Ok(())) => {
                    let _ = told.send(true);
                }
                Ok(Err(error)) => {
                    leave_to_the_sweeper(&store, &wake_ups, &with_causes(&error)).await;
                    let _ = told.send(false);
                }
                Err(_elapsed) => {
                    leave_to_the_sweeper(&store, &wake_ups, &format!("it takes longer than {PATIENCE:?}")).await;
                    let _ = told.send(false);
                    // Giving up would prevent a slow connection from ever being established, and a dead one from being given
                    // up. A message that is published late or twice does no harm.
                    drop(published.await);
                }
            }
        };
        self.publishing.spawn(publishing.in_current_span());
        is_published
    }

    /// Waits until the wake-ups of accepted requests are published, or left to the sweeper; no more are accepted.
    pub async fn finish_publishing(&self) {
        self.publishing.close();
        let _ = tokio::time::timeout(AT_THE_END, self.publishing.wait()).await;
    }
}

async fn leave_to_the_sweeper(store: &Store, wake_ups: &[WakeUp], why: &str) {
    tracing::warn!(
        error = why,
        wake_ups = wake_ups.len(),
        "not published; the sweeper will publish it"
    );
    if let Err(error) = store.not_published(wake_ups).await {
        tracing::warn!(
            error = with_causes(&error),
            "nor recorded: the sweeper publishes it after SWEEP_GRACE"
        );
    }
}
