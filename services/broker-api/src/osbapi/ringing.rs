//! Publishes the messages that a transaction returned. Only the commit matters: if a message isn't published, the
//! sweeper finds the step.

use std::time::Duration;

use messaging::Trace;
use pipeline::Ring;
use tracing::Instrument as _;

use crate::osbapi::broker::Broker;

/// The platform waits for its response during this time.
const PATIENCE: Duration = Duration::from_secs(2);

impl Broker {
    /// Publishes, or leaves it to the sweeper.
    pub(crate) async fn ring(&self, rings: Vec<Ring>) {
        let messaging = self.messaging.clone();
        let trace = Trace {
            parent: telemetry::traceparent(),
            previous: None,
        };
        let these = rings.clone();
        // In a separate task: cancelling it would prevent a slow connection from ever being established, and a dead one
        // from being given up. A message that is published late or twice does no harm.
        let ringing = tokio::spawn(async move { messaging.ring(&these, &trace).await }.in_current_span());
        let why = match tokio::time::timeout(PATIENCE, ringing).await {
            Ok(Ok(Ok(()))) => return,
            Ok(Ok(Err(error))) => format!("{:#}", anyhow::Error::from(error)),
            Ok(Err(_)) => "it broke off".to_string(),
            Err(_) => format!("it takes longer than {PATIENCE:?}"),
        };
        tracing::warn!(
            error = why,
            rings = rings.len(),
            "not published; the sweeper will publish it"
        );
        if let Err(error) = self.store.not_published(&rings).await {
            let error = anyhow::Error::from(error);
            tracing::warn!(
                error = format!("{error:#}"),
                "nor recorded: the sweeper publishes it after SWEEP_GRACE"
            );
        }
    }
}
