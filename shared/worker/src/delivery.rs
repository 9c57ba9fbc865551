//! The life of one delivery: load, attempt, record, publish, acknowledge. A crash between any two of these loses only
//! a ring of the clock.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::FutureExt as _;
use messaging::{Alarm, Delivery, Messaging};
use pipeline::{Outcome, Ring, Schedules, Verdict};
use store::{Recorded, Store, StoreError, Task};
use telemetry::with_causes;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use crate::handler::{Handler, HandlerError};

/// An alarm this early is acted upon: clocks and rungs are not finer.
const EARLY_ENOUGH: Duration = Duration::from_millis(20);
/// Before a message is tried again that could not be dealt with.
const IN_TROUBLE: Duration = Duration::from_secs(2);

/// All that deliveries share.
pub(crate) struct Desk<H> {
    pub(crate) handler: H,
    pub(crate) store: Store,
    pub(crate) messaging: Arc<Messaging>,
    pub(crate) schedules: Schedules,
    pub(crate) abandoned: CancellationToken,
}

pub(crate) async fn deliver<H: Handler>(desk: &Desk<H>, delivery: &Delivery) {
    let alarm = match delivery.alarm() {
        Ok(alarm) => alarm,
        Err(reason) => {
            tracing::error!(reason, "a message that can't be understood is parked");
            park(desk, delivery, &reason).await;
            return;
        }
    };
    let span = tracing::info_span!("delivery", step = %alarm.step, attempt = alarm.attempt, kind = tracing::field::Empty,
        instance = tracing::field::Empty, subject = tracing::field::Empty);
    telemetry::follow(&span, delivery.traceparent());
    async {
        let dealt_with = match desk.store.load_task(alarm.step, alarm.attempt).await {
            Ok(Some(task)) => attempt(desk, &task).await,
            Ok(None) => stale(desk, alarm.step, delivery.redelivered()).await,
            Err(error) => Err(error),
        };
        match dealt_with {
            Ok(()) => {
                // An acknowledgement that is lost brings the message back as a stale one.
                let _ = delivery.ack().await;
            }
            Err(error) => not_dealt_with(desk, delivery, alarm, &error).await,
        }
    }
    .instrument(span)
    .await;
}

/// Puts a message aside with its reason; when even that fails it goes back to its queue.
async fn park<H: Handler>(desk: &Desk<H>, delivery: &Delivery, reason: &str) {
    if desk.messaging.park(H::SERVICE, delivery.body(), reason).await.is_ok() {
        let _ = delivery.ack().await;
    } else {
        tokio::time::sleep(IN_TROUBLE).await;
        let _ = delivery.give_back().await;
    }
}

/// The store could not be read or written. The alarm is set anew rather than given back: RabbitMQ counts what is given
/// back, and a database that is away for a while must not make poison of good messages.
async fn not_dealt_with<H: Handler>(desk: &Desk<H>, delivery: &Delivery, alarm: Alarm, error: &StoreError) {
    tracing::warn!(error = with_causes(error), "not dealt with");
    match error {
        StoreError::Unavailable(_) | StoreError::Database { .. } => {
            let again = Ring {
                service: H::SERVICE,
                step: alarm.step,
                attempt: alarm.attempt,
                delay: IN_TROUBLE,
            };
            match desk.messaging.ring(&[again], delivery.traceparent().as_deref()).await {
                Ok(()) => drop(delivery.ack().await),
                Err(_) => drop(delivery.give_back().await),
            }
        }
        // The grace of a shutdown is over.
        StoreError::Stale => drop(delivery.give_back().await),
        error => park(desk, delivery, &with_causes(error)).await,
    }
}

async fn stale<H: Handler>(desk: &Desk<H>, step: uuid::Uuid, redelivered: bool) -> Result<(), StoreError> {
    metrics::counter!("deliveries_stale_total", "service" => H::SERVICE.as_str()).increment(1);
    if redelivered {
        let rings = desk.store.rings_after(step).await?;
        publish(desk, &rings).await;
    }
    Ok(())
}

async fn attempt<H: Handler>(desk: &Desk<H>, task: &Task) -> Result<(), StoreError> {
    let kind = task.kind.as_str();
    tracing::Span::current()
        .record("kind", kind)
        .record("instance", task.instance.id.as_str())
        .record("subject", task.subject.as_str());
    if task.early > EARLY_ENOUGH {
        // The longest rung is shorter than the delay: set the alarm anew for what remains.
        let rest = Ring {
            service: H::SERVICE,
            step: task.step,
            attempt: task.attempt,
            delay: task.early,
        };
        publish(desk, &[rest]).await;
        return Ok(());
    }
    let begun = Instant::now();
    let limit = desk.schedules.of(task.kind).limit;
    let outcome = tokio::select! {
        outcome = AssertUnwindSafe(tokio::time::timeout(limit, desk.handler.attempt(task))).catch_unwind() => outcome,
        () = desk.abandoned.cancelled() => return Err(StoreError::Stale),
    };
    let outcome = match outcome {
        Ok(Ok(Ok(outcome))) => outcome,
        Ok(Ok(Err(HandlerError::Store(StoreError::Stale)))) => {
            return stale(desk, task.step, false).await;
        }
        Ok(Ok(Err(HandlerError::Store(error @ (StoreError::Unavailable(_) | StoreError::Database { .. }))))) => {
            return Err(error);
        }
        Ok(Ok(Err(error))) => {
            tracing::error!(error = with_causes(&error), "the attempt failed");
            Outcome::pending(match error {
                HandlerError::Other { waiting_for, .. } => waiting_for,
                HandlerError::Store(_) => "an internal error, which the operator sees in the log".to_string(),
            })
        }
        Ok(Err(_elapsed)) => Outcome::pending(format!("the attempt took longer than {limit:?}")),
        Err(_panic) => {
            tracing::error!("the handler panicked");
            metrics::counter!("handler_panics_total", "kind" => kind).increment(1);
            Outcome::pending("an internal error, which the operator sees in the log")
        }
    };
    metrics::counter!("step_attempts_total", "kind" => kind, "outcome" => outcome.name()).increment(1);
    metrics::histogram!("step_attempt_duration_seconds", "kind" => kind).record(begun.elapsed());
    log(&outcome, begun.elapsed());
    match desk.store.record(task, &outcome, &desk.schedules).await? {
        Recorded::Written(rings) => publish(desk, &rings).await,
        Recorded::Stale => {
            tracing::warn!(
                outcome = outcome.name(),
                "not recorded: the step was taken over or its operation has ended"
            );
            stale(desk, task.step, false).await?;
        }
    }
    Ok(())
}

/// Publishes what a record returned. A failure loses nothing: the steps are marked, and the next sweep rings them.
pub(crate) async fn publish<H: Handler>(desk: &Desk<H>, rings: &[Ring]) {
    if let Err(error) = desk.messaging.ring(rings, telemetry::traceparent().as_deref()).await {
        tracing::warn!(
            error = with_causes(&error),
            rings = rings.len(),
            "not published; the sweeper will"
        );
        if let Err(error) = desk.store.not_rung(rings).await {
            tracing::warn!(error = with_causes(&error), "the sweeper will do it after its grace");
        }
    }
}

fn log(outcome: &Outcome, took: Duration) {
    let ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    match outcome {
        Outcome::Done(Verdict::OrderSpent { reason, .. }) => tracing::warn!(ms, reason, "the order is of no use"),
        Outcome::Done(verdict) => tracing::info!(ms, verdict = verdict.as_str(), "done"),
        Outcome::Pending { waiting_for, .. } => tracing::info!(ms, waiting_for, "pending"),
        Outcome::Failed { for_user, cause } => tracing::warn!(ms, for_user, cause, "failed"),
    }
}
