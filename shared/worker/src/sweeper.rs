//! The sweeper: publishes lost wake-ups again, at a bounded rate.

use std::sync::Arc;
use std::time::Duration;

use messaging::Trace;
use telemetry::with_causes;

use crate::desk::Desk;
use crate::work::Work;

/// Batches of a sweep per second.
const BATCHES: u32 = 4;

/// How the sweeper works.
pub(crate) struct Sweeping {
    pub(crate) interval: Duration,
    pub(crate) grace: Duration,
    /// Wake-ups per second.
    pub(crate) rate: u32,
}

pub(crate) async fn sweep_for_ever<W: Work>(desk: Arc<Desk<W>>, sweeping: Sweeping) {
    let batch = sweeping.rate.div_ceil(BATCHES);
    let mut before = Sight::default();
    loop {
        tokio::time::sleep(sweeping.interval).await;
        let backlog = match desk.messaging.ready(W::SERVICE).await {
            Ok(ready) => ready > 0,
            Err(error) => {
                tracing::warn!(error = with_causes(&error), "no sweep while RabbitMQ is away");
                continue;
            }
        };
        let now = Sight {
            backlog,
            idle: desk.work.is_idle(),
            deliveries: desk.peers.deliveries(),
        };
        if now.is_stalled(&before) && desk.peers.consuming() {
            desk.peers.forgotten();
        }
        before = now;
        if let Err(error) = W::before_sweep(&desk, sweeping.grace).await {
            tracing::warn!(error = with_causes(&error), "what is past its deadline stays");
        }
        // One sweep takes all lost wake-ups, batch by batch: those that it has published itself don't count as a
        // backlog.
        while sweep(&desk, sweeping.grace, backlog, batch).await {
            tokio::time::sleep(Duration::from_secs(1) / BATCHES).await;
        }
    }
}

/// What the sweeper sees of its own process.
#[derive(Default)]
struct Sight {
    backlog: bool,
    idle: bool,
    deliveries: u64,
}

impl Sight {
    /// Twice in a row, messages waited in the queue, no attempt ran here, and nothing was delivered.
    fn is_stalled(&self, before: &Self) -> bool {
        self.backlog && before.backlog && self.idle && before.idle && self.deliveries == before.deliveries
    }
}

/// Returns whether there is more.
async fn sweep<W: Work>(desk: &Desk<W>, grace: Duration, backlog: bool, batch: u32) -> bool {
    match W::lost(desk, grace, backlog, batch).await {
        Ok(wake_ups) if wake_ups.is_empty() => false,
        Ok(wake_ups) => {
            tracing::info!(wake_ups = wake_ups.len(), "lost wake-ups are published again");
            metrics::counter!("steps_swept_total", "service" => W::SERVICE.as_str()).increment(wake_ups.len() as u64);
            desk.publish(&wake_ups, &Trace::default()).await && wake_ups.len() == batch as usize
        }
        Err(error) => {
            desk.peers.judge(&error);
            tracing::warn!(error = with_causes(&error), "no sweep while PostgreSQL is away");
            false
        }
    }
}
