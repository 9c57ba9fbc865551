//! The sweeper: publishes lost wake-ups again, at a bounded rate.

use std::sync::Arc;
use std::time::Duration;

use messaging::Trace;
use pipeline::{Schedules, Service, StepKind};
use store::StoreError;
use telemetry::with_causes;

use crate::delivery::{Desk, publish};
use crate::handler::Handler;

/// With messages still in the queue, a step's message may just be behind them: this many graces are added.
const BACKLOG_PATIENCE: u32 = 10;
/// Batches of a sweep per second.
const BATCHES: u32 = 4;

/// How the sweeper works.
pub(crate) struct Sweeping {
    pub(crate) interval: Duration,
    pub(crate) grace: Duration,
    /// Wake-ups per second.
    pub(crate) rate: u32,
}

pub(crate) async fn sweep_for_ever<H: Handler>(desk: Arc<Desk<H>>, sweeping: Sweeping) {
    let batch = sweeping.rate.div_ceil(BATCHES);
    let mut before = Sight::default();
    loop {
        tokio::time::sleep(sweeping.interval).await;
        let backlog = match desk.messaging.ready(H::SERVICE).await {
            Ok(ready) => ready > 0,
            Err(error) => {
                tracing::warn!(error = with_causes(&error), "no sweep while RabbitMQ is away");
                continue;
            }
        };
        let now = Sight {
            backlog,
            idle: desk.seats.are_free(),
            deliveries: desk.peers.deliveries(),
        };
        if now.is_stalled(&before) && desk.peers.consuming() {
            desk.peers.forgotten();
        }
        before = now;
        // Long after the last attempt that could still be running.
        let grace = longest(&graces(H::SERVICE, &desk.schedules, sweeping.grace, false)) * 2;
        if let Err(error) = give_up(&desk, grace).await {
            tracing::warn!(error = with_causes(&error), "steps past their deadline stay");
        }
        let graces = graces(H::SERVICE, &desk.schedules, sweeping.grace, backlog);
        // One sweep takes all lost wake-ups, batch by batch: those that it has published itself don't count as a
        // backlog.
        while sweep(&desk, &graces, batch).await {
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

/// How long each kind of step may be overdue. An attempt that is still running must not be published again.
fn graces(service: Service, schedules: &Schedules, grace: Duration, backlog: bool) -> Vec<(StepKind, Duration)> {
    let longer = if backlog {
        grace * BACKLOG_PATIENCE
    } else {
        Duration::ZERO
    };
    StepKind::ALL
        .into_iter()
        .filter(|kind| kind.service() == service)
        .map(|kind| (kind, grace.max(schedules.of(kind).limit.mul_f64(1.2)) + longer))
        .collect()
}

fn longest(graces: &[(StepKind, Duration)]) -> Duration {
    graces.iter().map(|(_, grace)| *grace).max().unwrap_or_default()
}

/// Ends the operations of steps whose deadline passed before any attempt completed.
async fn give_up<H: Handler>(desk: &Desk<H>, grace: Duration) -> Result<(), StoreError> {
    for (step, attempt) in desk.store.past_deadline(H::SERVICE, grace).await? {
        let Some(task) = desk.store.load_task(step, attempt).await? else {
            continue;
        };
        match desk.store.give_up(&task).await {
            Ok(()) => {
                tracing::error!(%step, kind = task.kind.as_str(), "given up: no attempt completed by its deadline")
            }
            Err(StoreError::Stale) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Returns whether there is more.
async fn sweep<H: Handler>(desk: &Desk<H>, graces: &[(StepKind, Duration)], batch: u32) -> bool {
    match desk.store.sweep(H::SERVICE, graces, batch).await {
        Ok(wake_ups) if wake_ups.is_empty() => false,
        Ok(wake_ups) => {
            tracing::info!(wake_ups = wake_ups.len(), "lost wake-ups are published again");
            metrics::counter!("steps_swept_total", "service" => H::SERVICE.as_str()).increment(wake_ups.len() as u64);
            publish(desk, &wake_ups, &Trace::default()).await && wake_ups.len() == batch as usize
        }
        Err(error) => {
            desk.peers.judge(&error);
            tracing::warn!(error = with_causes(&error), "no sweep while PostgreSQL is away");
            false
        }
    }
}
