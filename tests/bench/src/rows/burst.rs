//! Many steps that are due in the same second: how long until all have been attempted, what went wrong, and
//! last_operation meanwhile, beside the same before.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use async_trait::async_trait;
use time::OffsetDateTime;
use tokio::time::sleep;
use uuid::Uuid;

use crate::comparison::{Comparison, Goal};
use crate::counters::{Counters, Passed};
use crate::form::Form;
use crate::in_progress::{Batch, Step, WakeUps, attempted, between, ids, left, until};
use crate::load::Answered;
use crate::polls::{self, Polled};
use crate::row::Row;
use crate::run::say;
use crate::site::{PATIENCE, Settings, Site};
use crate::spread::Spread;

const PREFIX: &str = "burst-";
const DOMAINS: i32 = 100;
const ORGANIZATIONS: i32 = 50;
/// Requests of last_operation per second.
const RATE: u32 = 200;
const WARM_UP: Duration = Duration::from_secs(2);
/// One measurement of last_operation.
const WINDOW: Duration = Duration::from_secs(5);
/// Measurements before the burst.
const BEFORE: usize = 3;
const GOAL: Goal = Goal::Times(2.0);
const OPERATIONS: &str = "select instance_id, id::text from operations where starts_with(instance_id, $1)";
/// What shows that something was not done, or not in time.
const TROUBLE: [(&str, Option<(&str, &str)>); 7] = [
    ("store_pool_timeouts_total", None),
    ("store_statements_refused_total", None),
    ("messages_published_total", Some(("outcome", "failed"))),
    ("messages_parked_total", None),
    ("handler_overruns_total", None),
    ("handler_panics_total", None),
    ("consumers_forgotten_total", None),
];

/// See the file.
pub(crate) struct Burst;

#[async_trait(?Send)]
impl Row for Burst {
    fn name(&self) -> &'static str {
        "burst"
    }

    fn settings(&self) -> Settings {
        Settings::Default
    }

    async fn measure(&self, site: &Site, form: &Form) -> anyhow::Result<Vec<Comparison>> {
        let instances = form.pick(100, 10);
        let steps = written(site, instances).await?;
        let polls = Polls::of(site).await?;
        polls.send(WARM_UP).await?;
        let mut before = Vec::new();
        for _ in 0..form.pick(BEFORE, 2) {
            before.push(polls.send(WINDOW).await?);
        }
        say(&format!("{} steps are due in the same second", steps.len()));
        let wake_ups = WakeUps::of(site);
        let due = published(site, &wake_ups, &steps, form.seconds(30, 10)).await?;
        sleep(until(due)).await;
        let earlier = Counters::read(site).await?;
        let during = polls.until_attempted(&ids(&steps)).await?;
        let later = Counters::read(site).await?;
        let after = waited(site, &ids(&steps), due).await?;
        wake_ups.end(site, PREFIX).await?;
        let mut comparisons = attempts(&after);
        comparisons.extend(trouble(&later.since(&earlier)));
        comparisons.extend(answers(&before, &during)?);
        Ok(comparisons)
    }
}

/// The steps, in no order. They are due in an hour, until their wake-ups are published.
async fn written(site: &Site, instances: i32) -> anyhow::Result<Vec<Step>> {
    let batch = Batch {
        prefix: PREFIX,
        first: 0,
        instances,
        domains: DOMAINS,
        organizations: ORGANIZATIONS,
        due: OffsetDateTime::now_utc() + Duration::from_secs(3600),
        within: Duration::ZERO,
    };
    let mut steps = batch.write(site).await?;
    site.sql.batch_execute("vacuum analyze").await?;
    // The ids are random.
    steps.sort_unstable_by_key(|step| step.id);
    Ok(steps)
}

/// Each message waits as long as its queue says, so that RabbitMQ delivers all of them within the time in which they
/// were published, which is less than `ahead`. Returns when the steps are due: when the first message comes.
async fn published(site: &Site, wake_ups: &WakeUps, steps: &[Step], ahead: Duration) -> anyhow::Result<OffsetDateTime> {
    let delay = wake_ups.exact_delay(ahead);
    let due = OffsetDateTime::now_utc() + delay;
    let update = "update steps set due_at = $2, rung_at = now() where id = any($1)";
    site.sql.execute(update, &[&ids(steps), &due]).await?;
    let began = Instant::now();
    wake_ups.publish(steps, |_| delay).await?;
    ensure!(!until(due).is_zero(), "to publish them took {:?}", began.elapsed());
    say(&format!("published within {:.1} s", began.elapsed().as_secs_f64()));
    Ok(due)
}

/// How long after they were due the steps were attempted, the first one first.
async fn waited(site: &Site, ids: &[Uuid], due: OffsetDateTime) -> anyhow::Result<Vec<Duration>> {
    let recorded = attempted(site, ids).await?;
    ensure!(recorded.len() == ids.len(), "some were attempted twice");
    let mut waited: Vec<Duration> = recorded.into_values().map(|at| between(due, at)).collect();
    waited.sort_unstable();
    Ok(waited)
}

fn attempts(waited: &[Duration]) -> Vec<Comparison> {
    let after = |share: f64| customer::percentile(waited, share).as_secs_f64();
    let all = after(1.0);
    let told = |what: &str, value: f64| Comparison::told(what, Spread::once(value));
    vec![
        told("half of the steps attempted after (s)", after(0.5)),
        told("all steps attempted after (s)", all),
        told("attempts per second", waited.len() as f64 / all),
    ]
}

fn trouble(passed: &Passed<'_>) -> Vec<Comparison> {
    let sum: f64 = TROUBLE
        .iter()
        .map(|(name, label)| passed.metric("", name, *label))
        .sum();
    let told = |what: &str, name: &str| Comparison::told(what, Spread::once(passed.metric("", name, None)));
    vec![
        Comparison::alone("time-outs and errors", Spread::once(sum), Goal::AtMost(0.0)),
        told("postponed in favour of others", "deliveries_deferred_total"),
        told("published again by the sweeper", "steps_swept_total"),
    ]
}

fn answers(before: &[Answered], during: &[Answered]) -> anyhow::Result<Vec<Comparison>> {
    let line = |what: &str, of: fn(&Answered) -> f64, goal| {
        let spread = |windows: &[Answered]| Spread::of(windows.iter().map(of));
        let what = format!("last_operation meanwhile, {RATE}/s, beside before: {what}");
        anyhow::Ok(Comparison::new(what, spread(before)?, spread(during)?, goal))
    };
    Ok(vec![
        line("p50 (ms)", |answered| answered.p50, Goal::None)?,
        line("p99 (ms)", |answered| answered.p99, GOAL)?,
    ])
}

/// Requests for the same instances.
struct Polls<'s> {
    site: &'s Site,
    urls: PathBuf,
}

impl<'s> Polls<'s> {
    async fn of(site: &'s Site) -> anyhow::Result<Self> {
        let rows = site.sql.query(OPERATIONS, &[&PREFIX]).await?;
        let polled: Vec<Polled> = rows
            .iter()
            .map(|row| {
                anyhow::Ok(Polled {
                    id: row.try_get(0)?,
                    operation: row.try_get(1)?,
                })
            })
            .collect::<anyhow::Result<_>>()?;
        let urls = polls::addresses(site, "burst", &site.stack.endpoints().broker_url, &polled)?;
        Ok(Self { site, urls })
    }

    async fn send(&self, lasts: Duration) -> anyhow::Result<Answered> {
        polls::send(self.site, &self.urls, RATE, lasts).await
    }

    /// Again and again, until each step was attempted. The last measurement is left out if there are others: in a part
    /// of it there was nothing left to do.
    async fn until_attempted(&self, ids: &[Uuid]) -> anyhow::Result<Vec<Answered>> {
        let deadline = Instant::now() + PATIENCE;
        let mut answered = Vec::new();
        loop {
            let last = self.send(WINDOW).await.context("while the steps were attempted")?;
            let left = left(self.site, ids).await?;
            if left > 0 || answered.is_empty() {
                answered.push(last);
            }
            if left == 0 {
                return Ok(answered);
            }
            ensure!(Instant::now() < deadline, "{left} steps were not attempted");
        }
    }
}
