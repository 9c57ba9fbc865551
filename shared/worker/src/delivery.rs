//! The life of one delivery: load, attempt, record, publish, acknowledge. A crash between any two of these only delays
//! the step until the sweeper publishes its wake-up again.

use std::sync::Arc;
use std::time::{Duration, Instant};

use messaging::{Delivery, Message, Trace};
use pipeline::reason::BrokerReason;
use pipeline::{Outcome, ServiceStep as _, Verdict, WakeUp};
use store::{POISON, Recorded, StoreError, Task};
use telemetry::with_causes;
use tokio_util::task::AbortOnDropHandle;
use tracing::Instrument as _;
use tracing::field::Empty;

use crate::desk::Desk;
use crate::handler::{Handler, HandlerError, Stop};
use crate::steps::Steps;

/// A wake-up that is early by no more than this is acted upon: clocks and delay queues are not more precise.
const EARLY_ENOUGH: Duration = Duration::from_millis(20);

pub(crate) async fn deliver<H: Handler>(desk: &Arc<Desk<Steps<H>>>, delivery: &Delivery) {
    let Some(message) = desk.message(delivery).await else {
        return;
    };
    let span = tracing::info_span!(
        "delivery", otel.name = Empty, otel.kind = "consumer", step = %message.step, attempt = message.attempt,
        kind = Empty, instance = Empty, subject = Empty
    );
    let trace = delivery.trace();
    telemetry::follow(&span, trace.parent.clone());
    telemetry::link(&span, trace.previous.clone());
    async {
        match desk.work.handler.load(&desk.store, message.step, message.attempt).await {
            Ok(Some(task)) => {
                let task = Arc::new(task);
                crash_points::within(task.kind.as_str(), &task.instance.id, async {
                    let handled = attempt(desk, &task, &trace).await;
                    crash_points::at("before-ack");
                    desk.conclude(delivery, message, handled).await;
                })
                .await;
            }
            Ok(None) => {
                let handled = stale(desk, message.step, delivery.redelivered(), &trace).await;
                desk.conclude(delivery, message, handled).await;
            }
            Err(error) => desk.conclude(delivery, message, Err(error)).await,
        }
    }
    .instrument(span)
    .await;
}

async fn stale<H: Handler>(
    desk: &Desk<Steps<H>>,
    step: uuid::Uuid,
    redelivered: bool,
    trace: &Trace,
) -> Result<(), StoreError> {
    metrics::counter!("deliveries_stale_total", "service" => H::SERVICE.as_str()).increment(1);
    if redelivered {
        let wake_ups = desk.store.wake_ups_after(step).await?;
        publish_traced(desk, &wake_ups, step, trace).await;
    }
    Ok(())
}

async fn attempt<H: Handler>(desk: &Arc<Desk<Steps<H>>>, task: &Arc<Task>, trace: &Trace) -> Result<(), StoreError> {
    let kind = task.kind.as_str();
    tracing::Span::current()
        .record("otel.name", kind)
        .record("kind", kind)
        .record("instance", task.instance.id.as_str())
        .record("subject", task.subject.as_str());
    let again = |delay| WakeUp {
        service: H::SERVICE,
        step: task.step,
        attempt: task.attempt,
        delay,
    };
    if task.early > EARLY_ENOUGH {
        // The longest delay queue is shorter than the delay: publish the wake-up again for the rest.
        publish_traced(desk, &[again(task.early)], task.step, trace).await;
        return Ok(());
    }
    let came = Instant::now();
    let seat = tokio::select! {
        seat = desk.work.seats.take(&task.instance.tenant, &task.instance.id) => seat,
        () = desk.abandoned.cancelled() => return Err(StoreError::Stale),
    };
    let mut seat = match seat {
        Ok(seat) => seat,
        Err(delay) => {
            metrics::counter!("deliveries_deferred_total", "service" => H::SERVICE.as_str()).increment(1);
            // Recorded, so that the sweeper doesn't consider it lost, and its user sees when the next attempt is.
            if desk.store.put_off(task, delay).await? {
                publish_traced(desk, &[again(delay)], task.step, trace).await;
            }
            return Ok(());
        }
    };
    let mut current = task.clone();
    if came.elapsed() > EARLY_ENOUGH {
        // It has waited: it may have been done together with another one meanwhile, and what was read with it is old.
        current = match desk.work.handler.load(&desk.store, task.step, task.attempt).await? {
            Some(again) => Arc::new(again),
            None => return stale(desk, task.step, false, trace).await,
        };
    }
    metrics::histogram!("step_lateness_seconds", "kind" => kind).record(task.late + came.elapsed());
    let task = &current;
    let begun = Instant::now();
    crash_points::at("before-handler");
    let Attempted { outcome, crashed } = tokio::select! {
        attempted = handle(desk, task) => match attempted? {
            Some(attempted) => attempted,
            None => return stale(desk, task.step, false, trace).await,
        },
        () = desk.abandoned.cancelled() => return Err(StoreError::Stale),
    };
    seat.attempted();
    crash_points::at("before-record");
    count(task, &outcome, begun.elapsed());
    log(&outcome, begun.elapsed());
    let (recorded, crashed) = record(desk, task, &outcome, crashed).await?;
    follow_up(desk, task, &outcome, recorded, crashed, trace).await
}

/// Publishes the wake-ups that follow, or finds that another delivery was faster.
async fn follow_up<H: Handler>(
    desk: &Arc<Desk<Steps<H>>>,
    task: &Task,
    outcome: &Outcome,
    recorded: Recorded,
    crashed: Option<String>,
    trace: &Trace,
) -> Result<(), StoreError> {
    match recorded {
        Recorded::Written(wake_ups) => {
            crash_points::at("before-publish");
            publish_traced(desk, &wake_ups, task.step, trace).await;
            if let Some(reason) = crashed.filter(|_| task.crashes + 1 == POISON) {
                tell_operator(desk, task, &reason).await;
            }
        }
        Recorded::Stale => {
            tracing::warn!(
                outcome = outcome.name(),
                "not recorded: the step was taken over or its operation has ended"
            );
            stale(desk, task.step, false, trace).await?;
        }
    }
    Ok(())
}

fn count(task: &Task, outcome: &Outcome, took: Duration) {
    let kind = task.kind.as_str();
    metrics::counter!(
        "step_attempts_total", "kind" => kind, "outcome" => outcome.name(), "attempt" => which(task.attempt)
    )
    .increment(1);
    metrics::histogram!("step_attempt_duration_seconds", "kind" => kind).record(took);
    if let Outcome::Pending { waiting_for, .. } = outcome {
        metrics::counter!("steps_pending_total", "kind" => kind, "reason" => waiting_for.name()).increment(1);
    }
}

/// Records the attempt's outcome. When PostgreSQL refuses the write, the attempt counts as a crash: its step is retried
/// by its schedule, and rarely once that happened three times.
async fn record<H: Handler>(
    desk: &Desk<Steps<H>>,
    task: &Task,
    outcome: &Outcome,
    crashed: Option<String>,
) -> Result<(Recorded, Option<String>), StoreError> {
    let written = desk
        .store
        .record(task, outcome, crashed.is_some(), &desk.work.schedules);
    match written.await {
        Err(error) if error.is_refused() => {
            let pending = Outcome::pending(BrokerReason::Internal);
            let recorded = desk.store.record(task, &pending, true, &desk.work.schedules).await?;
            Ok((recorded, Some(error.to_string())))
        }
        recorded => Ok((recorded?, crashed)),
    }
}

/// The attempt's number as a label with few values, since each value is a time series. Steps count from 0, people from
/// 1.
fn which(attempt: i32) -> &'static str {
    match attempt {
        ..1 => "1",
        1 => "2",
        2..5 => "3-5",
        5..20 => "6-20",
        20.. => "21+",
    }
}

/// An attempt's outcome, and how it crashed if it did.
struct Attempted {
    outcome: Outcome,
    crashed: Option<String>,
}

/// Runs the handler in a separate task: neither a panic nor a thread that it blocks forever affects the delivery.
/// `None`: the step is no longer current.
async fn handle<H: Handler>(desk: &Arc<Desk<Steps<H>>>, task: &Arc<Task>) -> Result<Option<Attempted>, StoreError> {
    let kind = task.kind.as_str();
    let Some(step) = H::Step::of(task.kind) else {
        tracing::error!("a step of another service came here; it is forwarded");
        return Ok(Some(Attempted {
            outcome: Outcome::pending(BrokerReason::Internal),
            crashed: None,
        }));
    };
    let limit = desk.work.schedules.of(task.kind).limit;
    let (own_desk, own_task) = (desk.clone(), task.clone());
    let work = async move {
        let attempt = own_desk.work.handler.attempt(step, &own_task);
        let attempted = crash_points::within(kind, &own_task.instance.id, attempt).await;
        attempted.or_else(Stop::outcome)
    };
    // An abandoned attempt must not continue.
    let running = AbortOnDropHandle::new(tokio::spawn(work.instrument(tracing::Span::current())));
    let result = tokio::time::timeout(limit, running).await;
    let crashed = |reason: String, waiting_for: BrokerReason| Attempted {
        outcome: Outcome::pending(waiting_for),
        crashed: Some(reason),
    };
    Ok(Some(match result {
        Ok(Ok(Ok(outcome))) => Attempted { outcome, crashed: None },
        Ok(Ok(Err(HandlerError::Store(StoreError::Stale)))) => return Ok(None),
        Ok(Ok(Err(HandlerError::Store(error)))) if error.is_transient() => return Err(error),
        // The store has logged it.
        Ok(Ok(Err(HandlerError::Store(error)))) if error.is_refused() => {
            crashed(error.to_string(), BrokerReason::Internal)
        }
        Ok(Ok(Err(error))) => {
            tracing::error!(error = with_causes(&error), "the attempt failed");
            Attempted {
                outcome: Outcome::pending(match error {
                    HandlerError::Other { waiting_for, .. } => waiting_for,
                    HandlerError::Store(_) => BrokerReason::Internal.into(),
                }),
                crashed: None,
            }
        }
        Ok(Err(_panic)) => {
            tracing::error!("the handler panicked");
            metrics::counter!("handler_panics_total", "kind" => kind).increment(1);
            crashed("the handler panicked".into(), BrokerReason::Internal)
        }
        Err(_elapsed) => {
            tracing::error!(?limit, "the handler did not end in time");
            metrics::counter!("handler_overruns_total", "kind" => kind).increment(1);
            let overran = BrokerReason::Overran { limit };
            crashed(overran.to_string(), overran)
        }
    }))
}

/// Puts a note into the parking queue. The step itself continues, rarely, until its deadline.
async fn tell_operator<H: Handler>(desk: &Desk<Steps<H>>, task: &Task, reason: &str) {
    let reason = format!(
        "{reason}, {POISON} times in a row: {} {} of instance {}",
        task.kind.as_str(),
        task.subject,
        task.instance.id
    );
    tracing::error!(reason, "this step is poison; it is tried rarely from now on");
    let body = Message::new(task.step, task.attempt + 1).body();
    if let Err(error) = desk.messaging.park(H::SERVICE, &body, &reason).await {
        tracing::warn!(error = with_causes(&error), "no note of it could be parked");
    }
}

/// Publishes wake-ups for the step's next attempt, as a sibling of this one, and for the steps that followed, as
/// children of this attempt.
async fn publish_traced<H: Handler>(desk: &Desk<Steps<H>>, wake_ups: &[WakeUp], step: uuid::Uuid, trace: &Trace) {
    let here = telemetry::traceparent();
    let (again, next): (Vec<WakeUp>, Vec<WakeUp>) = wake_ups.iter().cloned().partition(|wake_up| wake_up.step == step);
    let attempt = Trace {
        parent: trace.parent.clone(),
        previous: here.clone(),
    };
    desk.publish(&again, &attempt).await;
    let child = Trace {
        parent: here,
        previous: None,
    };
    desk.publish(&next, &child).await;
}

fn log(outcome: &Outcome, took: Duration) {
    let ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    match outcome {
        Outcome::Done(Verdict::OrderSpent { reason, .. }) => tracing::warn!(ms, %reason, "the order is of no use"),
        Outcome::Done(verdict) => tracing::info!(ms, verdict = verdict.as_str(), "done"),
        Outcome::Pending { waiting_for, .. } => {
            tracing::info!(ms, reason = waiting_for.name(), %waiting_for, "pending");
        }
        Outcome::Failed { for_user, cause, .. } => tracing::warn!(ms, for_user, cause, "failed"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_are_counted_from_one_and_in_few_words() {
        for (attempt, words) in [
            (0, "1"),
            (1, "2"),
            (2, "3-5"),
            (4, "3-5"),
            (5, "6-20"),
            (19, "6-20"),
            (20, "21+"),
            (i32::MAX, "21+"),
        ] {
            assert_eq!(which(attempt), words, "{attempt}");
        }
    }
}
