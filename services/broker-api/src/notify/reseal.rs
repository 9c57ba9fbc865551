//! When NOTICE_KEYS have changed, addresses are sealed by the new first key: at the start, since keys are read then.

use std::sync::Arc;
use std::time::Duration;

use crate::osbapi::Broker;

/// How long to wait after the database has failed.
const RETRY: Duration = Duration::from_secs(60);

/// Seals anew what another key has sealed, once. Nothing waits for it, and every process may do it.
pub async fn reseal_addresses(broker: Arc<Broker>) {
    let Some(ring) = &broker.notices else { return };
    loop {
        match broker.store.reseal_addresses(ring).await {
            Ok(done) => {
                if done.resealed > 0 {
                    tracing::info!(addresses = done.resealed, "sealed anew by the first key of NOTICE_KEYS");
                }
                if done.unopened > 0 {
                    tracing::error!(
                        addresses = done.unopened,
                        "sealed by keys that NOTICE_KEYS doesn't hold: nothing can be sent there"
                    );
                }
                return;
            }
            Err(error) => tracing::warn!(
                error = telemetry::with_causes(&error),
                "addresses can't be sealed anew; tried again in a minute"
            ),
        }
        tokio::time::sleep(RETRY).await;
    }
}
