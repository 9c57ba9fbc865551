//! The work of a service that runs steps: a [`Handler`], with what surrounds each attempt.

use std::sync::Arc;
use std::time::Duration;

use messaging::Delivery;
use pipeline::{Schedules, Service, StepKind, WakeUp};
use store::{Store, StoreError};

use crate::args::WorkerArgs;
use crate::delivery::deliver;
use crate::desk::Desk;
use crate::fairness::Seats;
use crate::handler::{Chore, Handler, HandlerError};
use crate::work::Work;

/// With messages still in the queue, a step's message may just be behind them: this many graces are added.
const BACKLOG_PATIENCE: u32 = 10;

/// A handler with the schedules and the seats of its attempts.
pub struct Steps<H> {
    pub(crate) handler: H,
    pub(crate) schedules: Schedules,
    pub(crate) seats: Seats,
}

impl<H: Handler> Steps<H> {
    /// The steps of this handler.
    pub fn new(handler: H, args: &WorkerArgs, schedules: Schedules) -> Self {
        Self {
            handler,
            schedules: Schedules {
                delays: args.amqp.delay_queues_ms.delays(),
                ..schedules
            },
            // A message that waits is one that is received ahead.
            seats: Seats::new(usize::from(args.concurrency), usize::from(H::AHEAD)),
        }
    }
}

#[async_trait::async_trait]
impl<H: Handler> Work for Steps<H> {
    const SERVICE: Service = H::SERVICE;
    const AHEAD: u16 = H::AHEAD;

    async fn deliver(desk: &Arc<Desk<Self>>, delivery: &Delivery) {
        deliver(desk, delivery).await;
    }

    fn is_idle(&self) -> bool {
        self.seats.are_free()
    }

    /// Ends the operations of steps whose deadline passed before any attempt completed.
    async fn before_sweep(desk: &Desk<Self>, grace: Duration) -> Result<(), StoreError> {
        // Long after the last attempt that could still be running.
        let grace = longest(&graces(H::SERVICE, &desk.work.schedules, grace, false)) * 2;
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

    async fn lost(desk: &Desk<Self>, grace: Duration, backlog: bool, most: u32) -> Result<Vec<WakeUp>, StoreError> {
        let graces = graces(H::SERVICE, &desk.work.schedules, grace, backlog);
        desk.store.sweep(H::SERVICE, &graces, most).await
    }

    async fn not_published(store: &Store, wake_ups: &[WakeUp]) -> Result<(), StoreError> {
        store.not_published(wake_ups).await
    }

    fn chores(&self) -> Vec<Chore> {
        self.handler.chores()
    }

    async fn chore(&self, name: &'static str) -> Result<(), HandlerError> {
        self.handler.chore(name).await
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
