//! last_operation at a fixed rate, beside one SELECT by primary key: 10,000 instances stored, and operations of 1 and
//! of 100 domains running, of which nobody has set a record.

use std::time::Duration;

use async_trait::async_trait;

use crate::comparison::{Comparison, Goal, p50_and_p99};
use crate::floor::answers;
use crate::form::Form;
use crate::load::Answered;
use crate::polls::{self, Polled};
use crate::row::Row;
use crate::run::say;
use crate::site::{LOOKED_AT, Settings, Site};
use crate::spread::Spread;
use crate::stored;
use crate::turns::in_turns;

/// Requests per second.
const RATES: [u32; 2] = [500, 2_000];
/// Of the short form.
const SHORT_RATES: [u32; 1] = [500];
const GOAL: Goal = Goal::Times(1.25);
/// Before each round: connections are opened, statements prepared, and of nearly all operations an answer is kept.
const WARM_UP: (u32, Duration) = (200, Duration::from_secs(2));
/// Answers that are made anew are polled for over so many connections.
const CONNECTIONS: usize = 4;
/// As a record does that tells something new.
const SEEN: &str = "update operations set version = version + 1 where instance_id = any($1) and state = 'running'";
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
        let bases = [
            format!("http://{}", floor.address),
            site.stack.endpoints().broker_url.clone(),
        ];
        for (domains, polled) in [(1, &small), (LARGE, &large)] {
            let case = Case {
                site,
                domains,
                polled,
                bases: &bases,
            };
            for &rate in form.pick(&RATES[..], &SHORT_RATES) {
                say(&format!("last_operation, {domains} domains, {rate} requests/s"));
                comparisons.extend(case.at(rate, form).await?);
            }
            say(&format!("last_operation, {domains} domains, answers that are not kept"));
            comparisons.extend(case.anew(form).await?);
        }
        Ok(comparisons)
    }
}

/// Instances of one size.
struct Case<'s> {
    site: &'s Site,
    domains: usize,
    polled: &'s [Polled],
    /// Of the floor and of broker-api.
    bases: &'s [String; 2],
}

impl Case<'_> {
    /// At so many requests per second. Each operation is polled often enough that its last answer is kept.
    async fn at(&self, rate: u32, form: &Form) -> anyhow::Result<Vec<Comparison>> {
        let lasts = form.seconds(10, 2);
        let floor = polls::addresses(self.site, "floor", &self.bases[0], self.polled)?;
        let product = polls::addresses(self.site, "product", &self.bases[1], self.polled)?;
        let send = async |urls| {
            polls::send(self.site, urls, WARM_UP.0, WARM_UP.1).await?;
            polls::send(self.site, urls, rate, lasts).await
        };
        let (floors, products) = in_turns(
            form.rounds(),
            async |_| send(&floor).await,
            async |_| send(&product).await,
        )
        .await?;
        let line = |what: &str, of: fn(&Answered) -> f64, goal| {
            anyhow::Ok(Comparison::new(
                format!("{} domains, {rate}/s: {what}", self.domains),
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

    /// Each operation polled once, after something new was seen of it.
    async fn anew(&self, form: &Form) -> anyhow::Result<Vec<Comparison>> {
        let ids: Vec<&str> = self.polled.iter().map(|polled| polled.id.as_str()).collect();
        let (floors, products) = in_turns(
            form.rounds(),
            async |_| polls::each(self.site, &self.bases[0], self.polled, CONNECTIONS).await,
            async |_| {
                self.site.sql.execute(SEEN, &[&ids]).await?;
                polls::each(self.site, &self.bases[1], self.polled, CONNECTIONS).await
            },
        )
        .await?;
        p50_and_p99(
            &format!("{} domains, made anew", self.domains),
            &floors,
            &products,
            GOAL,
        )
    }
}
