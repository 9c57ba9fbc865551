//! What RabbitMQ holds. It is counted only: to read what is parked would take it out of the queue for a moment.

use std::collections::HashMap;
use std::time::Duration;

use messaging::AmqpArgs;
use messaging::operator::{Purpose, QueueState, Queues};
use pipeline::Service;
use store::operator::WaitingSteps;
use tokio::time::timeout;

/// The longest that anybody waits for RabbitMQ.
const PATIENCE: Duration = Duration::from_secs(5);

/// The queues. `None`: RabbitMQ doesn't answer.
pub(super) async fn read(amqp: &AmqpArgs) -> Option<Vec<QueueState>> {
    let reading = async {
        let queues = Queues::connect(amqp, "broker-api, for operators").await?;
        let states = queues.states().await;
        queues.close().await;
        states
    };
    match timeout(PATIENCE, reading).await {
        Ok(Ok(states)) => Some(states),
        Ok(Err(error)) => {
            tracing::warn!(error = telemetry::with_causes(&error), "the queues can't be counted");
            None
        }
        Err(_elapsed) => {
            tracing::warn!(after = ?PATIENCE, "the queues can't be counted: RabbitMQ does not answer");
            None
        }
    }
}

/// A service's queue beside the steps that wait for it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Queue {
    pub(super) service: Service,
    /// `None`: there is no such queue, or RabbitMQ doesn't answer.
    pub(super) ready: Option<u32>,
    pub(super) consumers: Option<u32>,
    pub(super) steps: WaitingSteps,
}

/// Each service's queue.
pub(super) fn of_services(states: &[QueueState], steps: &[(String, WaitingSteps)]) -> Vec<Queue> {
    let steps: HashMap<&str, WaitingSteps> = steps
        .iter()
        .map(|(service, steps)| (service.as_str(), *steps))
        .collect();
    let found = |service: Service| {
        let state = states.iter().find(|state| state.purpose == Purpose::Work(service));
        state.and_then(|state| state.found)
    };
    let queue = |service: Service| {
        let found = found(service);
        Queue {
            service,
            ready: found.map(|found| found.ready),
            consumers: found.map(|found| found.consumers),
            steps: steps.get(service.as_str()).copied().unwrap_or_default(),
        }
    };
    // One that is not run is none to speak of, unless something waits for it.
    let is_there = |service: &Service| {
        !service.is_optional() || found(*service).is_some_and(|queue| queue.consumers > 0 || queue.ready > 0)
    };
    Service::ALL.into_iter().filter(is_there).map(queue).collect()
}

/// How many messages wait for their delay, and how many are parked; none where there is no such queue.
pub(super) fn delayed_and_parked(states: &[QueueState]) -> (u64, Option<u32>) {
    let delays = states.iter().filter(|state| matches!(state.purpose, Purpose::Delay(_)));
    let delayed = delays
        .filter_map(|state| state.found)
        .map(|found| u64::from(found.ready))
        .sum();
    let parking = states.iter().find(|state| state.purpose == Purpose::Parking);
    (delayed, parking.and_then(|state| state.found).map(|found| found.ready))
}
