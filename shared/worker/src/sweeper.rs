//! The sweeper: rings again what was lost, at a bounded rate.

use std::sync::Arc;
use std::time::Duration;

use telemetry::with_causes;

use crate::delivery::{Desk, publish};
use crate::handler::Handler;

/// With messages still in the queue, only steps overdue by this many graces are rung again.
const BACKLOG_PATIENCE: u32 = 10;
/// Batches of a sweep per second.
const BATCHES: u32 = 4;

/// How the sweeper goes about it.
pub(crate) struct Sweeping {
    pub(crate) interval: Duration,
    pub(crate) grace: Duration,
    /// Rings per second.
    pub(crate) rate: u32,
}

pub(crate) async fn sweep_for_ever<H: Handler>(desk: Arc<Desk<H>>, sweeping: Sweeping) {
    // An attempt that is still at work must not be rung again.
    let grace = sweeping
        .grace
        .max(desk.schedules.longest_limit_of(H::SERVICE).mul_f64(1.2));
    let batch = sweeping.rate.div_ceil(BATCHES);
    loop {
        tokio::time::sleep(sweeping.interval).await;
        let backlog = match desk.messaging.ready(H::SERVICE).await {
            Ok(ready) => ready > 0,
            Err(error) => {
                tracing::warn!(error = with_causes(&error), "no sweep while RabbitMQ is away");
                continue;
            }
        };
        let patience = if backlog { grace * BACKLOG_PATIENCE } else { grace };
        // One sweep takes all there is, batch by batch: what it has rung itself is no backlog to it.
        while sweep(&desk, patience, batch).await {
            tokio::time::sleep(Duration::from_secs(1) / BATCHES).await;
        }
    }
}

/// Is there more?
async fn sweep<H: Handler>(desk: &Desk<H>, patience: Duration, batch: u32) -> bool {
    match desk.store.sweep(H::SERVICE, patience, batch).await {
        Ok(rings) if rings.is_empty() => false,
        Ok(rings) => {
            tracing::info!(rings = rings.len(), "lost rings are rung again");
            metrics::counter!("steps_swept_total", "service" => H::SERVICE.as_str()).increment(rings.len() as u64);
            publish(desk, &rings).await && rings.len() == batch as usize
        }
        Err(error) => {
            desk.peers.judge(&error);
            tracing::warn!(error = with_causes(&error), "no sweep while PostgreSQL is away");
            false
        }
    }
}
