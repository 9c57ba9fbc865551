//! What a worker does with its queue: the loop knows neither steps nor letters.

use std::sync::Arc;
use std::time::Duration;

use messaging::{Delivery, Trace};
use pipeline::{Service, WakeUp};
use store::{Store, StoreError};
use telemetry::with_causes;

use crate::desk::Desk;
use crate::handler::{Chore, HandlerError};

/// The work of one service: what it does with a delivery, which of its wake-ups are lost, and its chores.
#[async_trait::async_trait]
pub trait Work: Sized + Send + Sync + 'static {
    /// The service, whose queue is consumed.
    const SERVICE: Service;

    /// How many messages a process prefetches beyond those that it works at.
    const AHEAD: u16 = 0;

    /// Acts on a message, and acknowledges it, requeues it or parks it.
    async fn deliver(desk: &Arc<Desk<Self>>, delivery: &Delivery);

    /// Whether this process works at nothing: a queue with messages of which none is delivered to it then has forgotten it.
    fn is_idle(&self) -> bool;

    /// What has to be done before each search for lost wake-ups.
    ///
    /// # Errors
    /// Database errors; it is done again before the next.
    async fn before_sweep(_desk: &Desk<Self>, _grace: Duration) -> Result<(), StoreError> {
        Ok(())
    }

    /// At most `most` wake-ups that are lost; they count as published from now on.
    ///
    /// # Errors
    /// Database errors.
    async fn lost(desk: &Desk<Self>, grace: Duration, backlog: bool, most: u32) -> Result<Vec<WakeUp>, StoreError>;

    /// Records that these wake-ups could not be published: the next sweep takes them without waiting for its grace.
    ///
    /// # Errors
    /// Database errors; the sweep then takes them after its grace.
    async fn not_published(store: &Store, wake_ups: &[WakeUp]) -> Result<(), StoreError>;

    /// The service's periodic work.
    fn chores(&self) -> Vec<Chore>;

    /// Does the chore of this name. Each is done by one process of the service at a time.
    ///
    /// # Errors
    /// Logged; the chore runs again in its next turn.
    async fn chore(&self, name: &'static str) -> Result<(), HandlerError>;
}

impl<W: Work> Desk<W> {
    /// Publishes wake-ups. A failure (`false`) loses nothing: they are marked, and the next sweep publishes them.
    pub async fn publish(&self, wake_ups: &[WakeUp], trace: &Trace) -> bool {
        let Err(error) = self.messaging.publish(wake_ups, trace).await else {
            return true;
        };
        tracing::warn!(
            error = with_causes(&error),
            wake_ups = wake_ups.len(),
            "not published; the sweeper will publish it"
        );
        if let Err(error) = W::not_published(&self.store, wake_ups).await {
            tracing::warn!(
                error = with_causes(&error),
                "the sweeper publishes it after SWEEP_GRACE"
            );
        }
        false
    }
}
