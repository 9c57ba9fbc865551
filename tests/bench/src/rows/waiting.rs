//! Many steps that wait, as when tenants don't set their records: how late they are attempted, beside RabbitMQ's TTL
//! alone, and what their waiting costs. Nobody is asked in an attempt: it is the wait that is measured.

use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use async_trait::async_trait;
use customer::percentile;
use time::OffsetDateTime;
use tokio::time::sleep;
use uuid::Uuid;

use crate::comparison::{Comparison, Goal};
use crate::counters::Counters;
use crate::floor::ttl::Waits;
use crate::form::Form;
use crate::in_progress::{Batch, Step, WakeUps, attempted, between, until};
use crate::processes::Processes;
use crate::row::Row;
use crate::run::say;
use crate::site::{PATIENCE, Settings, Site};
use crate::spread::{Spread, millis};

const PREFIX: &str = "waiting-";
const DOMAINS: i32 = 100;
const ORGANIZATIONS: i32 = 50;
/// Instances that are written together.
const AT_ONCE: i32 = 10;
/// The goal: a step is attempted no later than by this share of its wait …
const SHARE: f64 = 0.05;
/// … and this.
const MORE_MS: f64 = 250.0;
const MEMORY_MIB: f64 = 300.0;
const SIZE: &str =
    "select (pg_total_relation_size('steps') + pg_total_relation_size('operations'))::float8 / (1024 * 1024)";
/// How often attempts are counted, and the memory is read.
const EVERY: Duration = Duration::from_secs(5);

/// See the file.
pub(crate) struct Waiting;

#[async_trait(?Send)]
impl Row for Waiting {
    fn name(&self) -> &'static str {
        "waiting"
    }

    fn settings(&self) -> Settings {
        Settings::Default
    }

    async fn measure(&self, site: &Site, form: &Form) -> anyhow::Result<Vec<Comparison>> {
        let floor = Waits {
            at_once: 33,
            times: form.pick(300, 50),
            wait: form.seconds(10, 5),
        };
        say("messages wait in one queue");
        let floor = floor.lateness(site).await?;
        let wake_ups = WakeUps::of(site);
        let before = rabbitmq_mib(site).await?;
        let crowd = Crowd::of(form);
        say(&format!("{} steps wait", crowd.instances * DOMAINS));
        let steps = crowd.begin(site, &wake_ups).await?;
        let size: f64 = site.sql.query_one(SIZE, &[]).await?.try_get(0)?;
        let earlier = Counters::read(site).await?;
        let seen = crowd.watch(site, &steps).await?;
        let later = Counters::read(site).await?;
        wake_ups.end(site, PREFIX).await?;
        let told = |what: &str, value: f64| Comparison::told(what, Spread::once(value));
        let mut comparisons = seen.lateness(&floor)?;
        let passed = later.since(&earlier);
        let kind = Some(("kind", "verify-challenge"));
        let attempts = passed.metric("", "step_attempt_duration_seconds_count", kind);
        comparisons.extend([
            told("attempts per second meanwhile", attempts / passed.seconds()),
            told(
                "published again by the sweeper",
                passed.metric("", "steps_swept_total", None),
            ),
            told("RabbitMQ before (MiB)", before),
            Comparison::alone(
                "RabbitMQ (MiB)",
                Spread::of(seen.rabbitmq_mib)?,
                Goal::AtMost(MEMORY_MIB),
            ),
            told("PostgreSQL: steps and operations (MiB)", size),
        ]);
        Ok(comparisons)
    }
}

/// The steps that wait: each between the shortest and the longest wait, so that as many are due in each second as when
/// all of them are attempted every five minutes.
struct Crowd {
    instances: i32,
    /// The shortest wait: all have been written before the first is attempted.
    least: Duration,
    /// The longest one is so much longer.
    more: Duration,
    /// The steps are watched that are due within this time, once the shortest wait has passed since the last of them were
    /// written.
    watched: Duration,
}

/// A step with the time for which its wake-up was published.
struct Wait {
    step: Step,
    wait: Duration,
}

impl Crowd {
    fn of(form: &Form) -> Self {
        Self {
            instances: form.pick(1_000, 100),
            least: form.seconds(60, 10),
            more: form.seconds(300, 20),
            watched: form.seconds(60, 8),
        }
    }

    /// Writes steps and publishes their wake-ups, one part after the other.
    async fn begin(&self, site: &Site, wake_ups: &WakeUps) -> anyhow::Result<Vec<Wait>> {
        let mut waits = Vec::new();
        let began = Instant::now();
        let mut first = 0;
        while first < self.instances {
            let batch = Batch {
                prefix: PREFIX,
                first,
                instances: AT_ONCE.min(self.instances - first),
                domains: DOMAINS,
                organizations: ORGANIZATIONS,
                due: OffsetDateTime::now_utc() + self.least,
                within: self.more,
            };
            let mut steps = batch.write(site).await?;
            wake_ups.fit(site, &mut steps).await?;
            wake_ups.publish(&steps, |step| until(step.due)).await?;
            waits.extend(steps.into_iter().map(|step| {
                let wait = until(step.due);
                Wait { step, wait }
            }));
            first += AT_ONCE;
        }
        site.sql.batch_execute("analyze").await?;
        say(&format!(
            "written and published in {:.0} s",
            began.elapsed().as_secs_f64()
        ));
        Ok(waits)
    }

    /// Waits until the steps that are watched were attempted.
    async fn watch(&self, site: &Site, waits: &[Wait]) -> anyhow::Result<Seen> {
        // Earlier than that, not as many are due.
        let full = OffsetDateTime::now_utc() + self.least;
        let due = full..full + self.watched;
        let watched: Vec<&Wait> = waits.iter().filter(|wait| due.contains(&wait.step.due)).collect();
        ensure!(!watched.is_empty(), "none of the steps is due soon");
        let ids: Vec<Uuid> = watched.iter().map(|wait| wait.step.id).collect();
        let deadline = Instant::now() + PATIENCE;
        let mut rabbitmq = Vec::new();
        let recorded = loop {
            rabbitmq.push(rabbitmq_mib(site).await?);
            sleep(EVERY).await;
            if OffsetDateTime::now_utc() < due.end {
                continue;
            }
            let recorded = attempted(site, &ids).await?;
            if recorded.len() == ids.len() {
                break recorded;
            }
            let count = recorded.len();
            ensure!(
                Instant::now() < deadline,
                "only {count} of {} were attempted once",
                ids.len()
            );
        };
        let late = watched.iter().filter_map(|wait| {
            let at = recorded.get(&wait.step.id)?;
            Some((wait.wait, between(wait.step.due, *at)))
        });
        Ok(Seen {
            late: late.collect(),
            rabbitmq_mib: rabbitmq,
        })
    }
}

/// What was seen while they waited.
struct Seen {
    /// The wait of each, and how much later it was attempted.
    late: Vec<(Duration, Duration)>,
    rabbitmq_mib: Vec<f64>,
}

impl Seen {
    fn lateness(&self, floor: &[Duration]) -> anyhow::Result<Vec<Comparison>> {
        let late = sorted(self.late.iter().map(|(_, late)| *late));
        let beyond = sorted(
            self.late
                .iter()
                .map(|(wait, late)| late.saturating_sub(wait.mul_f64(SHARE))),
        );
        let beside = |what: &str, share: f64| {
            let of = |sorted: &[Duration]| Spread::once(millis(percentile(sorted, share)));
            Comparison::new(what, of(floor), of(&late), Goal::None)
        };
        Ok(vec![
            Comparison::told(
                "each waits (s)",
                Spread::of(self.late.iter().map(|(wait, _)| wait.as_secs_f64()))?,
            ),
            beside("attempted too late by, p50 (ms)", 0.5),
            beside("attempted too late by, p99 (ms)", 0.99),
            Comparison::alone(
                "the same, less 5 % of the wait, p99 (ms)",
                Spread::once(millis(percentile(&beyond, 0.99))),
                Goal::AtMost(MORE_MS),
            ),
        ])
    }
}

fn sorted(of: impl Iterator<Item = Duration>) -> Vec<Duration> {
    let mut all: Vec<Duration> = of.collect();
    all.sort_unstable();
    all
}

/// Of the node and all processes below it.
async fn rabbitmq_mib(site: &Site) -> anyhow::Result<f64> {
    let endpoints = site.stack.endpoints_now().await?;
    let root = endpoints.process("rabbitmq").and_then(|process| process.pid);
    let root = root.context("RabbitMQ isn't running")?;
    Ok(Processes::read()?.resident_mib_of_tree(root))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_goal_grows_with_the_wait() {
        let seconds = Duration::from_secs;
        let seen = Seen {
            late: vec![(seconds(100), seconds(6)), (seconds(20), seconds(1))],
            rabbitmq_mib: Vec::new(),
        };
        let lines = seen.lateness(&[Duration::ZERO]).unwrap();
        assert_eq!(lines[2].product.median, 6_000.0);
        assert_eq!(lines[3].product.median, 1_000.0);
        assert_eq!(lines[3].reached(), Some(false));
    }
}
