//! Publishing what a transaction returned. The commit is what counts: without a ring the sweeper finds the steps.

use std::time::Duration;

use messaging::Trace;
use pipeline::Ring;
use tracing::Instrument as _;

use crate::osbapi::broker::Broker;

/// The platform waits for its answer meanwhile.
const PATIENCE: Duration = Duration::from_secs(2);

impl Broker {
    /// Rings, or leaves it to the sweeper.
    pub(crate) async fn ring(&self, rings: Vec<Ring>) {
        let messaging = self.messaging.clone();
        let trace = Trace {
            parent: telemetry::traceparent(),
            previous: None,
        };
        let these = rings.clone();
        // A task of its own: breaking it off would keep a slow connection from ever being made, and a dead one from
        // being given up. A ring that comes late or twice does no harm.
        let ringing = tokio::spawn(async move { messaging.ring(&these, &trace).await }.in_current_span());
        let why = match tokio::time::timeout(PATIENCE, ringing).await {
            Ok(Ok(Ok(()))) => return,
            Ok(Ok(Err(error))) => format!("{:#}", anyhow::Error::from(error)),
            Ok(Err(_)) => "it broke off".to_string(),
            Err(_) => format!("it takes longer than {PATIENCE:?}"),
        };
        tracing::warn!(error = why, rings = rings.len(), "not published, the sweeper will");
        if let Err(error) = self.store.not_published(&rings).await {
            let error = anyhow::Error::from(error);
            tracing::warn!(
                error = format!("{error:#}"),
                "nor written down: the sweeper will after its grace"
            );
        }
    }
}
