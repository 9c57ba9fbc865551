//! `cdnctl queues`: the contents of RabbitMQ, and what the database waits for.

use std::collections::HashMap;

use messaging::AmqpArgs;
use messaging::operator::{Purpose, QueueState, Queues};
use pipeline::Service;
use serde::Serialize;
use store::DatabaseArgs;
use store::operator::WaitingSteps;

use crate::CommandError;
use crate::exit::Exit;
use crate::{database, out, shown, table};

/// Shows each service's queue beside the steps that wait in the database.
///
/// The database is the truth: messages are only wake-ups, and lost ones are published again. Exit code 1 when a queue is missing or
/// has no consumer, a step has been due for more than 5 minutes, or something is parked. DELAY_QUEUES_MS has to be the
/// services'.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Queues")]
pub struct Args {
    /// Print JSON: the same facts, and more of them.
    #[arg(long)]
    pub json: bool,
    /// The services' queues.
    #[command(flatten)]
    pub amqp: AmqpArgs,
    /// The services' database.
    #[command(flatten)]
    pub database: DatabaseArgs,
}

/// A step that has been due for longer than this is not just being processed, in seconds.
pub(crate) const LATE: f64 = 300.0;

/// All queues.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) services: Vec<Line>,
    /// Delayed messages, by the delay of their queue in milliseconds; `None`: the queue doesn't exist.
    delay_queues: Vec<(u64, Option<u32>)>,
    /// Notes for the operator; `None`: the queue doesn't exist.
    pub(crate) parked: Option<u32>,
}

/// A service's queue.
#[derive(Debug, Serialize)]
pub(crate) struct Line {
    pub(crate) service: &'static str,
    /// `None`: the queue doesn't exist.
    pub(crate) ready: Option<u32>,
    pub(crate) consumers: Option<u32>,
    #[serde(flatten)]
    pub(crate) steps: WaitingSteps,
}

impl Report {
    pub(crate) fn of(states: &[QueueState], steps: Vec<(String, WaitingSteps)>) -> Self {
        let steps: HashMap<String, WaitingSteps> = steps.into_iter().collect();
        let found = |purpose| {
            let state = states.iter().find(|state| state.purpose == purpose);
            state.and_then(|state| state.found)
        };
        let line = |service: Service| {
            let queue = found(Purpose::Work(service));
            Line {
                service: service.as_str(),
                ready: queue.map(|queue| queue.ready),
                consumers: queue.map(|queue| queue.consumers),
                steps: steps.get(service.as_str()).copied().unwrap_or_default(),
            }
        };
        let delay_queues = states.iter().filter_map(|state| match state.purpose {
            Purpose::Delay(ms) => Some((ms, state.found.map(|queue| queue.ready))),
            _ => None,
        });
        // One that is not run is none to speak of, unless something waits for it.
        let is_there = |service: &Service| {
            let queue = found(Purpose::Work(*service));
            !service.is_optional() || queue.is_some_and(|queue| queue.consumers > 0 || queue.ready > 0)
        };
        Self {
            services: Service::ALL.into_iter().filter(is_there).map(line).collect(),
            delay_queues: delay_queues.collect(),
            parked: found(Purpose::Parking).map(|queue| queue.ready),
        }
    }

    pub(crate) fn missing_delay_queues(&self) -> usize {
        self.delay_queues.iter().filter(|(_, found)| found.is_none()).count()
    }

    fn is_well(&self) -> bool {
        let served = |line: &Line| line.consumers.is_some_and(|count| count > 0) && line.steps.latest_seconds < LATE;
        self.parked == Some(0) && self.missing_delay_queues() == 0 && self.services.iter().all(served)
    }

    fn lines(&self) -> Vec<String> {
        let rows: Vec<_> = self.services.iter().map(row).collect();
        let heading = [
            "SERVICE",
            "READY",
            "CONSUMERS",
            "STEPS WAITING",
            "OF THEM DUE",
            "LATEST SINCE",
        ];
        let mut lines = table::lines(heading, &rows);
        lines.push(String::new());
        let delayed: u32 = self.delay_queues.iter().filter_map(|(_, ready)| *ready).sum();
        let missing = match self.missing_delay_queues() {
            0 => String::new(),
            missing => format!("; {missing} delay queues are missing: is DELAY_QUEUES_MS that of the services?"),
        };
        lines.push(format!(
            "delayed  {delayed} in {} delay queues{missing}",
            self.delay_queues.len()
        ));
        lines.push(match self.parked {
            None => "parked   no such queue".to_owned(),
            Some(0) => "parked   none".to_owned(),
            Some(some) => format!("parked   {some}: cdnctl parked list"),
        });
        lines
    }
}

fn row(line: &Line) -> [String; 6] {
    let number = |count: Option<u32>| count.map_or_else(|| "no queue".to_owned(), |count| count.to_string());
    [
        line.service.to_owned(),
        number(line.ready),
        number(line.consumers),
        line.steps.waiting.to_string(),
        line.steps.due.to_string(),
        match line.steps.due {
            0 => shown::none(),
            _ => shown::span(time::Duration::seconds_f64(line.steps.latest_seconds)),
        },
    ]
}

/// Shows them.
///
/// # Errors
/// When the database or RabbitMQ can't be queried.
pub async fn run(args: &Args) -> Result<Exit, CommandError> {
    let steps = database::open(&args.database).await?.waiting_steps().await?;
    let queues = Queues::connect(&args.amqp, "cdnctl").await?;
    let report = Report::of(&queues.states().await?, steps);
    queues.close().await;
    out::either(args.json, &report, || report.lines())?;
    Ok(if report.is_well() { Exit::AllWell } else { Exit::NotWell })
}

#[cfg(test)]
mod tests {
    use messaging::operator::Found;

    use super::*;

    fn report(consumers: u32, parked: u32, latest_seconds: f64, delayed: Option<u32>) -> Report {
        let state = |purpose, ready, consumers| QueueState {
            purpose,
            name: String::new(),
            found: Some(Found { ready, consumers }),
        };
        let mut states: Vec<_> = Service::ALL
            .map(|service| state(Purpose::Work(service), 2, consumers))
            .into();
        states.push(state(Purpose::Parking, parked, 0));
        states.push(QueueState {
            purpose: Purpose::Delay(250),
            name: String::new(),
            found: delayed.map(|ready| Found { ready, consumers: 0 }),
        });
        let steps = WaitingSteps {
            waiting: 3,
            due: 1,
            latest_seconds,
        };
        Report::of(&states, vec![("distribution".to_owned(), steps)])
    }

    #[test]
    fn nobody_that_works_or_what_waits_long_or_is_parked_is_not_well() {
        assert!(report(1, 0, 10.0, Some(4)).is_well());
        for bad in [
            report(0, 0, 10.0, Some(0)),
            report(1, 1, 10.0, Some(0)),
            report(1, 0, 301.0, Some(0)),
            report(1, 0, 10.0, None),
        ] {
            assert!(!bad.is_well(), "{bad:?}");
        }
        // A service that a broker can do without is missing only if something waits for it.
        assert_eq!(report(0, 0, 10.0, Some(0)).services.len(), Service::ALL.len());
        assert_eq!(Report::of(&[], Vec::new()).services.len(), Service::ALL.len() - 1);
        let text = report(1, 2, 61.0, None).lines().join("\n");
        for words in ["1 min 1 s", "2: cdnctl parked list", "DELAY_QUEUES_MS"] {
            assert!(text.contains(words), "{text}");
        }
    }
}
