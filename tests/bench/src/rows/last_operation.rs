//! last_operation at a fixed rate, beside one SELECT by primary key: 10,000 instances stored, and operations of 1 and
//! of 100 domains running, of which nobody has set a record.

use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;

use crate::comparison::{Comparison, Goal};
use crate::floor::answers;
use crate::form::Form;
use crate::load::{Answered, Load};
use crate::row::Row;
use crate::run::say;
use crate::site::{LOOKED_AT, Settings, Site, domains};
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
        let small = running(site, operations, 1).await?;
        let large = running(site, operations, LARGE).await?;
        site.until_count(LOOKED_AT, "running-", operations * (1 + LARGE))
            .await?;
        let all: Vec<String> = small.iter().chain(&large).cloned().collect();
        let floor = answers::start(site, &all).await?;
        let mut comparisons = Vec::new();
        for (domains, ids) in [(1, &small), (LARGE, &large)] {
            let case = Case {
                site,
                floor: urls(site, "floor", &format!("http://{}", floor.address), ids)?,
                product: urls(site, "product", &site.stack.endpoints().broker_url, ids)?,
            };
            for path in [&case.floor, &case.product] {
                case.load(path, WARM_UP.0, WARM_UP.1).await?;
            }
            for rate in RATES {
                say(&format!("last_operation, {domains} domains, {rate} requests/s"));
                comparisons.extend(case.at(domains, rate, form).await?);
            }
        }
        Ok(comparisons)
    }
}

/// Begins operations, whose records nobody sets. Returns the instances.
async fn running(site: &Site, operations: usize, count: usize) -> anyhow::Result<Vec<String>> {
    let mut ids = Vec::new();
    for number in 0..operations {
        let id = format!("running-{count}-{number}");
        let organization = format!("running-organization-{}", number % 10);
        site.request(&id, &organization, &domains(&id, count)).await?;
        ids.push(id);
    }
    Ok(ids)
}

/// A file with the addresses of these instances at one of the two servers.
fn urls(site: &Site, whose: &str, base: &str, ids: &[String]) -> anyhow::Result<PathBuf> {
    let path = site.stack.endpoints().folder.join(format!("{whose}-urls.txt"));
    let lines = ids
        .iter()
        .map(|id| format!("{base}/v2/service_instances/{id}/last_operation\n"));
    std::fs::write(&path, lines.collect::<String>())?;
    Ok(path)
}

/// Instances of one size.
struct Case<'s> {
    site: &'s Site,
    /// Files of addresses.
    floor: PathBuf,
    product: PathBuf,
}

impl Case<'_> {
    async fn load(&self, urls: &Path, rate: u32, lasts: Duration) -> anyhow::Result<Answered> {
        let endpoints = self.site.stack.endpoints();
        let login = (endpoints.broker_username.as_str(), endpoints.broker_password.as_str());
        Load {
            urls,
            rate,
            lasts,
            login,
        }
        .send()
        .await
    }

    async fn at(&self, domains: usize, rate: u32, form: &Form) -> anyhow::Result<Vec<Comparison>> {
        let lasts = form.seconds(10, 3);
        let (floors, products) = in_turns(
            form.rounds(),
            async |_| self.load(&self.floor, rate, lasts).await,
            async |_| self.load(&self.product, rate, lasts).await,
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
