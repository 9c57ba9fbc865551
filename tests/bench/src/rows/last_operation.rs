//! last_operation at a fixed rate, beside one SELECT by primary key: 10,000 instances stored, and operations of 1 and
//! of 100 domains running, of which nobody has set a record.

use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;

use crate::comparison::{Comparison, Goal};
use crate::floor::answers;
use crate::form::Form;
use crate::load::Answered;
use crate::polls;
use crate::row::Row;
use crate::run::say;
use crate::site::{LOOKED_AT, Settings, Site};
use crate::spread::Spread;
use crate::stored;
use crate::turns::in_turns;

/// Requests per second.
const RATES: [u32; 2] = [500, 2_000];
const GOAL: Goal = Goal::Times(1.25);
/// Before a case is measured: connections are opened, statements prepared.
const WARM_UP: (u32, Duration) = (200, Duration::from_secs(1));
const LARGE: usize = 100;

/// See the file.
pub(crate) struct LastOperation;

#[async_trait(?Send)]
impl Row for LastOperation {
    fn name(&self) -> &'static str {
        "last-operation"
    }

    fn settings(&self) -> Settings {
        Settings::Default
    }

    async fn measure(&self, site: &Site, form: &Form) -> anyhow::Result<Vec<Comparison>> {
        stored::fill(site).await?;
        let operations = form.pick(100, 10);
        say(&format!("{operations} operations of 1 and of {LARGE} domains begin"));
        let small = polls::begin(site, "running-1", operations, 1).await?;
        let large = polls::begin(site, "running-100", operations, LARGE).await?;
        site.until_count(LOOKED_AT, "running-", operations * (1 + LARGE))
            .await?;
        let all: Vec<&str> = small.iter().chain(&large).map(|polled| polled.id.as_str()).collect();
        let floor = answers::start(site, &all).await?;
        let mut comparisons = Vec::new();
        for (domains, polled) in [(1, &small), (LARGE, &large)] {
            let case = Case {
                site,
                floor: polls::addresses(site, "floor", &format!("http://{}", floor.address), polled)?,
                product: polls::addresses(site, "product", &site.stack.endpoints().broker_url, polled)?,
            };
            for path in [&case.floor, &case.product] {
                polls::send(site, path, WARM_UP.0, WARM_UP.1).await?;
            }
            for rate in RATES {
                say(&format!("last_operation, {domains} domains, {rate} requests/s"));
                comparisons.extend(case.at(domains, rate, form).await?);
            }
        }
        Ok(comparisons)
    }
}

/// Instances of one size.
struct Case<'s> {
    site: &'s Site,
    /// Files of addresses.
    floor: PathBuf,
    product: PathBuf,
}

impl Case<'_> {
    async fn at(&self, domains: usize, rate: u32, form: &Form) -> anyhow::Result<Vec<Comparison>> {
        let lasts = form.seconds(10, 3);
        let (floors, products) = in_turns(
            form.rounds(),
            async |_| polls::send(self.site, &self.floor, rate, lasts).await,
            async |_| polls::send(self.site, &self.product, rate, lasts).await,
        )
        .await?;
        let line = |what: &str, of: fn(&Answered) -> f64, goal| {
            anyhow::Ok(Comparison::new(
                format!("{domains} domains, {rate}/s: {what}"),
                Spread::of(floors.iter().map(of))?,
                Spread::of(products.iter().map(of))?,
                goal,
            ))
        };
        [
            line("p50 (ms)", |answered| answered.p50, GOAL),
            line("p99 (ms)", |answered| answered.p99, GOAL),
            line("answers per second", |answered| answered.per_second, Goal::None),
        ]
        .into_iter()
        .collect()
    }
}
