//! Operations in progress, written into the database as they are while nobody sets a record, and the wake-ups of their
//! steps, published as the services publish them. An attempt at such a step asks nobody: see the SQL.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use anyhow::ensure;
use lapin::options::QueuePurgeOptions;
use lapin::{Connection, ConnectionProperties};
use messaging::{AmqpArgs, Messaging, Trace};
use pipeline::{Service, WakeUp};
use time::OffsetDateTime;
use tokio::time::sleep;
use uuid::Uuid;

use crate::site::{PATIENCE, Site};
use crate::stored::ordinary;

/// The process that attempts the steps.
pub(crate) const VERIFIER: &str = "challenge-verifier-1";
/// Wake-ups that are published together.
const AT_ONCE: usize = 500;
/// How often steps are counted: not so often that it matters.
const EVERY: Duration = Duration::from_secs(1);

/// What is to be written.
pub(crate) struct Batch<'b> {
    /// How the instances' ids begin; a number follows.
    pub(crate) prefix: &'b str,
    /// The first number.
    pub(crate) first: i32,
    pub(crate) instances: i32,
    /// Of each instance.
    pub(crate) domains: i32,
    /// The organizations to which they belong.
    pub(crate) organizations: i32,
    /// When the first step is due …
    pub(crate) due: OffsetDateTime,
    /// … and within how long all of them are.
    pub(crate) within: Duration,
}

/// A step that waits for its first attempt.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step {
    pub(crate) id: Uuid,
    pub(crate) due: OffsetDateTime,
}

impl Batch<'_> {
    /// Writes it, in one transaction. Nothing is published.
    ///
    /// # Errors
    /// When the tables have another form.
    pub(crate) async fn write(&self, site: &Site) -> anyhow::Result<Vec<Step>> {
        let parameters = ordinary("any", &["www.example.net".to_owned()])?;
        let within = self.within.as_secs_f64();
        let rows = site
            .sql
            .query(
                include_str!("in_progress.sql"),
                &[
                    &self.prefix,
                    &self.first,
                    &self.instances,
                    &self.domains,
                    &self.organizations,
                    &parameters.settings,
                    &parameters.request,
                    &self.due,
                    &within,
                ],
            )
            .await?;
        rows.iter()
            .map(|row| {
                Ok(Step {
                    id: row.try_get(0)?,
                    due: row.try_get(1)?,
                })
            })
            .collect()
    }
}

/// The ids of steps.
pub(crate) fn ids(steps: &[Step]) -> Vec<Uuid> {
    steps.iter().map(|step| step.id).collect()
}

/// How long it is until then; zero if it has passed.
pub(crate) fn until(then: OffsetDateTime) -> Duration {
    between(OffsetDateTime::now_utc(), then)
}

/// From one moment to a later one; zero if it is not later.
pub(crate) fn between(from: OffsetDateTime, to: OffsetDateTime) -> Duration {
    Duration::try_from(to - from).unwrap_or_default()
}

/// Publishes wake-ups by the services' own code, with the delay queues of the settings as they ship.
pub(crate) struct WakeUps {
    args: AmqpArgs,
    messaging: Messaging,
}

impl WakeUps {
    /// Connects on first use.
    pub(crate) fn of(site: &Site) -> Self {
        let args = AmqpArgs::at(&site.stack.endpoints().amqp_url);
        let messaging = Messaging::new(args.clone(), "bench");
        Self { args, messaging }
    }

    /// The shortest delay that has a queue of its own and is no shorter than this.
    pub(crate) fn exact_delay(&self, least: Duration) -> Duration {
        let ms = self.args.delay_queues_ms.ms_for(least);
        ms.map_or(least, Duration::from_millis)
    }

    /// Makes each due when its wake-up comes, as the services do.
    ///
    /// # Errors
    /// Of the database.
    pub(crate) async fn fit(&self, site: &Site, steps: &mut [Step]) -> anyhow::Result<()> {
        let delays = self.args.delay_queues_ms.delays();
        let now = OffsetDateTime::now_utc();
        for step in &mut *steps {
            step.due = now + delays.nearest(between(now, step.due));
        }
        let (ids, due): (Vec<Uuid>, Vec<OffsetDateTime>) = steps.iter().map(|step| (step.id, step.due)).unzip();
        let fitted = "update steps s set due_at = f.due from unnest($1::uuid[], $2::timestamptz[]) f (id, due) where s.id = f.id";
        site.sql.execute(fitted, &[&ids, &due]).await?;
        Ok(())
    }

    /// Publishes the first wake-up of each, and waits until RabbitMQ has confirmed them.
    ///
    /// # Errors
    /// When RabbitMQ doesn't.
    pub(crate) async fn publish(&self, steps: &[Step], delay: impl Fn(&Step) -> Duration) -> anyhow::Result<()> {
        for some in steps.chunks(AT_ONCE) {
            let wake_up = |step: &Step| WakeUp {
                service: Service::ChallengeVerifier,
                step: step.id,
                attempt: 0,
                delay: delay(step),
            };
            let wake_ups: Vec<WakeUp> = some.iter().map(wake_up).collect();
            self.messaging.publish(&wake_ups, &Trace::default()).await?;
        }
        Ok(())
    }

    /// Removes the instances whose ids begin so, and all messages that wait in delay queues: what else needs one of
    /// these is swept.
    ///
    /// # Errors
    /// Of the database or RabbitMQ.
    pub(crate) async fn end(&self, site: &Site, prefix: &str) -> anyhow::Result<()> {
        let sql = include_str!("in_progress_end.sql").replace("@prefix@", prefix);
        site.sql.batch_execute(&sql).await?;
        let connection = Connection::connect(&site.stack.endpoints().amqp_url, ConnectionProperties::default()).await?;
        let channel = connection.create_channel().await?;
        for ms in self.args.delay_queues_ms.all_ms() {
            let queue = format!("cdn-broker.delay.{ms}");
            channel.queue_purge(queue.into(), QueuePurgeOptions::default()).await?;
        }
        connection.close(200, "done".into()).await?;
        // Other rows measure the size of these tables. It can't be in a transaction.
        site.sql
            .batch_execute("vacuum (full, analyze) steps, operations")
            .await?;
        Ok(())
    }
}

/// How many of these steps were not attempted yet.
///
/// # Errors
/// Of the database.
pub(crate) async fn left(site: &Site, ids: &[Uuid]) -> anyhow::Result<i64> {
    let query = "select count(*) from steps where id = any($1) and attempt = 0";
    Ok(site.sql.query_one(query, &[&ids]).await?.try_get(0)?)
}

/// Waits until each of them was attempted.
///
/// # Errors
/// When that takes too long.
pub(crate) async fn until_attempted(site: &Site, ids: &[Uuid]) -> anyhow::Result<()> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match left(site, ids).await? {
            0 => return Ok(()),
            left => ensure!(Instant::now() < deadline, "{left} steps were not attempted"),
        }
        sleep(EVERY).await;
    }
}

/// When the first attempt of each was recorded, as long as no second one was.
///
/// # Errors
/// Of the database.
pub(crate) async fn attempted(site: &Site, ids: &[Uuid]) -> anyhow::Result<HashMap<Uuid, OffsetDateTime>> {
    let query = "select id, checked_at from steps where id = any($1) and attempt = 1 and checked_at is not null";
    let rows = site.sql.query(query, &[&ids]).await?;
    rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_left_to_be_replaced() {
        let sql = include_str!("in_progress_end.sql").replace("@prefix@", "some-");
        assert!(!sql.contains('@') && sql.contains("starts_with(id, 'some-')"));
    }

    #[test]
    fn what_has_passed_is_no_time() {
        let now = OffsetDateTime::UNIX_EPOCH;
        assert_eq!(between(now, now + Duration::from_secs(2)), Duration::from_secs(2));
        assert_eq!(between(now + Duration::from_secs(2), now), Duration::ZERO);
    }
}
