//! A wake-up to publish.

use std::time::Duration;

use uuid::Uuid;

use crate::step::Service;

/// Publish this step's message, to arrive after the delay. May come twice, late, or never, without harm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ring {
    /// Whose queue.
    pub service: Service,
    /// Which step.
    pub step: Uuid,
    /// Which attempt; a wake-up for another attempt is stale.
    pub attempt: i32,
    /// When it should arrive, from now.
    pub delay: Duration,
}
