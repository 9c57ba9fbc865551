//! The sweeper: rings again what was lost.

use std::sync::Arc;
use std::time::Duration;

use telemetry::with_causes;

use crate::delivery::{Desk, publish};
use crate::handler::Handler;

/// With messages still in the queue, only steps overdue by this many graces are rung again.
const BACKLOG_PATIENCE: u32 = 10;

pub(crate) async fn sweep_for_ever<H: Handler>(desk: Arc<Desk<H>>, interval: Duration, grace: Duration) {
    // An attempt that is still at work must not be rung again.
    let grace = grace.max(desk.schedules.longest_limit_of(H::SERVICE).mul_f64(1.2));
    loop {
        tokio::time::sleep(interval).await;
        let backlog = match desk.messaging.ready(H::SERVICE).await {
            Ok(ready) => ready > 0,
            Err(error) => {
                tracing::warn!(error = with_causes(&error), "no sweep while RabbitMQ is away");
                continue;
            }
        };
        let patience = if backlog { grace * BACKLOG_PATIENCE } else { grace };
        match desk.store.sweep(H::SERVICE, patience).await {
            Ok(rings) if rings.is_empty() => {}
            Ok(rings) => {
                tracing::info!(rings = rings.len(), "lost rings are rung again");
                metrics::counter!("steps_swept_total", "service" => H::SERVICE.as_str()).increment(rings.len() as u64);
                publish(&desk, &rings).await;
            }
            Err(error) => {
                tracing::warn!(error = with_causes(&error), "no sweep while PostgreSQL is away")
            }
        }
    }
}
