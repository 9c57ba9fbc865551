//! A wake-up to publish.

use std::time::Duration;

use uuid::Uuid;

use crate::step::Service;

/// Publish this step's message, to be delivered after the delay. Duplicate, late or lost deliveries do no harm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WakeUp {
    /// The service whose queue it goes to.
    pub service: Service,
    /// The step.
    pub step: Uuid,
    /// The attempt; a wake-up for another attempt is stale.
    pub attempt: i32,
    /// The delay before its delivery, from now.
    pub delay: Duration,
}
