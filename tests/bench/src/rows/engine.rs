//! Steps that do nothing, attempted by one worker as fast as it can, beside one guarded UPDATE between a consumed and a
//! confirmed message. A step of challenge-verifier without an order is one: its handler looks for the challenges, finds
//! none, and the step waits again.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use async_trait::async_trait;
use stack::Signal;
use time::OffsetDateTime;

use crate::comparison::{Comparison, Goal};
use crate::floor::engine;
use crate::form::Form;
use crate::in_progress::{Batch, VERIFIER, WakeUps, attempted, between, ids, until_attempted};
use crate::row::Row;
use crate::run::say;
use crate::site::{Settings, Site};
use crate::spread::{Spread, millis};
use crate::turns::in_turns;

/// Of the time per step: 0.8 × the steps per second.
const GOAL: Goal = Goal::Times(1.25);

/// See the file.
pub(crate) struct Engine;

#[async_trait(?Send)]
impl Row for Engine {
    fn name(&self) -> &'static str {
        "engine"
    }

    fn settings(&self) -> Settings {
        Settings::Default
    }

    async fn measure(&self, site: &Site, form: &Form) -> anyhow::Result<Vec<Comparison>> {
        let steps = form.pick(5_000, 1_500);
        say(&format!("{steps} steps that do nothing"));
        let wake_ups = WakeUps::of(site);
        let (floors, products) = in_turns(
            form.rounds(),
            async |_| per_step(engine::run(site, steps).await?),
            async |round| product(site, &wake_ups, round, steps).await,
        )
        .await?;
        let line = |what: &str, of: fn(Duration) -> f64, goal| {
            let spread = |rounds: &[Duration]| Spread::of(rounds.iter().map(|took| of(*took)));
            anyhow::Ok(Comparison::new(what, spread(&floors)?, spread(&products)?, goal))
        };
        Ok(vec![
            line("a step (ms)", millis, GOAL)?,
            line("steps per second", |took| 1.0 / took.as_secs_f64(), Goal::None)?,
        ])
    }
}

/// Each step is of another organization, so that none is postponed in favour of another. The worker is stopped until all
/// messages are in its queue.
async fn product(site: &Site, wake_ups: &WakeUps, round: usize, steps: i32) -> anyhow::Result<Duration> {
    let prefix = format!("engine-{round}-");
    let batch = Batch {
        prefix: &prefix,
        first: 0,
        instances: steps,
        domains: 1,
        organizations: steps,
        due: OffsetDateTime::now_utc(),
        within: Duration::ZERO,
    };
    let written = batch.write(site).await?;
    site.sql.batch_execute("vacuum analyze steps, operations").await?;
    site.stack.kill(VERIFIER, Signal::Stop).await?;
    let published = wake_ups.publish(&written, |_| Duration::ZERO).await;
    site.stack.kill(VERIFIER, Signal::Cont).await?;
    published?;
    let ids = ids(&written);
    until_attempted(site, &ids).await?;
    let recorded = attempted(site, &ids).await?;
    ensure!(recorded.len() == ids.len(), "some were attempted twice");
    let took = per_step(recorded.into_values().collect())?;
    wake_ups.end(site, &prefix).await?;
    Ok(took)
}

/// From one record to the next.
fn per_step(recorded: Vec<OffsetDateTime>) -> anyhow::Result<Duration> {
    let first = recorded.iter().min().context("no step was recorded")?;
    let last = recorded.iter().max().context("no step was recorded")?;
    let gaps = u32::try_from(recorded.len())? - 1;
    let took = between(*first, *last).checked_div(gaps);
    took.filter(|took| !took.is_zero()).context("too few steps")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_takes_the_time_between_two_records() {
        let at = |seconds| OffsetDateTime::UNIX_EPOCH + Duration::from_secs(seconds);
        assert_eq!(per_step(vec![at(5), at(1), at(2)]).unwrap(), Duration::from_secs(2));
        for too_few in [vec![], vec![at(1)]] {
            assert!(per_step(too_few).is_err());
        }
    }
}
