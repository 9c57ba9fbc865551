//! last_operation while PostgreSQL is busy with 1,000 operations of 10 domains, all of which are looked at, beside the
//! same before they began. It leaves them running: no other row comes after it on its stack, nor before it what leaves
//! work behind.

use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;

use crate::comparison::{Comparison, Goal};
use crate::counters::Counters;
use crate::form::Form;
use crate::load::Answered;
use crate::polls::{self, Polled};
use crate::row::Row;
use crate::run::say;
use crate::site::{LOOKED_AT, Settings, Site};
use crate::spread::Spread;
use crate::stored;

/// Requests per second.
const RATE: u32 = 500;
const GOAL: Goal = Goal::Times(2.0);
/// Before it is measured: connections are opened, statements prepared.
const WARM_UP: (u32, Duration) = (200, Duration::from_secs(1));
/// Domains of an instance that is polled, and of the others.
const LARGE: usize = 100;
const SMALL: usize = 10;
const VERIFIER: &str = "challenge-verifier";

/// See the file.
pub(crate) struct Busy;

#[async_trait(?Send)]
impl Row for Busy {
    fn name(&self) -> &'static str {
        "busy"
    }

    fn settings(&self) -> Settings {
        Settings::Default
    }

    async fn measure(&self, site: &Site, form: &Form) -> anyhow::Result<Vec<Comparison>> {
        stored::fill(site).await?;
        let polled = begin(site, "polled", form.pick(4, 2), LARGE).await?;
        let urls = polls::addresses(site, "polled", &site.stack.endpoints().broker_url, &polled)?;
        polls::send(site, &urls, WARM_UP.0, WARM_UP.1).await?;
        say(&format!("last_operation, {LARGE} domains, {RATE} requests/s"));
        let idle = windows(site, form, &urls).await?;
        begin(site, "crowd", form.pick(1_000, 100), SMALL).await?;
        say("the same beside them");
        let busy = windows(site, form, &urls).await?;
        compared(&idle, &busy)
    }
}

/// Requests instances, and waits until all their domains were looked at.
async fn begin(site: &Site, name: &str, instances: usize, each: usize) -> anyhow::Result<Vec<Polled>> {
    say(&format!("{instances} operations of {each} domains begin"));
    let begun = polls::begin(site, name, instances, each).await?;
    site.until_count(LOOKED_AT, &format!("{name}-"), instances * each)
        .await?;
    Ok(begun)
}

/// One measurement, and what else was done meanwhile.
struct Window {
    answered: Answered,
    /// Looks at domains per second.
    looks: f64,
    /// PostgreSQL's share of a processor, in percent.
    postgres: f64,
}

async fn windows(site: &Site, form: &Form, urls: &Path) -> anyhow::Result<Vec<Window>> {
    let mut windows = Vec::new();
    for _ in 0..form.rounds() {
        let before = Counters::read(site).await?;
        let answered = polls::send(site, urls, RATE, form.seconds(10, 2)).await?;
        let after = Counters::read(site).await?;
        let passed = after.since(&before);
        let kind = Some(("kind", "verify-challenge"));
        let looks = passed.metric(VERIFIER, "step_attempt_duration_seconds_count", kind);
        windows.push(Window {
            answered,
            looks: looks / passed.seconds(),
            postgres: passed.cpu("postgres") / passed.seconds() * 100.0,
        });
    }
    Ok(windows)
}

fn compared(idle: &[Window], busy: &[Window]) -> anyhow::Result<Vec<Comparison>> {
    let line = |what: &str, of: fn(&Window) -> f64, goal| {
        let spread = |windows: &[Window]| Spread::of(windows.iter().map(of));
        anyhow::Ok(Comparison::new(what, spread(idle)?, spread(busy)?, goal))
    };
    [
        line("p50 (ms)", |window| window.answered.p50, Goal::None),
        line("p99 (ms)", |window| window.answered.p99, GOAL),
        line("answers per second", |window| window.answered.per_second, Goal::None),
        line("looks at domains per second", |window| window.looks, Goal::None),
        line("PostgreSQL, % of a processor", |window| window.postgres, Goal::None),
    ]
    .into_iter()
    .collect()
}
