//! What it costs to record one domain of an instance of 100, beside the only one of an instance: as many domains are
//! looked at, as often, in both.

use anyhow::ensure;
use async_trait::async_trait;
use stack::Signal;
use tokio::time::sleep;

use crate::comparison::{Comparison, Goal};
use crate::counters::{Counters, Passed};
use crate::form::Form;
use crate::row::Row;
use crate::run::say;
use crate::site::{LOOKED_AT, PROVED, Settings, Site, domains};
use crate::spread::Spread;
use crate::turns::in_turns;

/// Of all instances together; the verifier has time to spare.
const DOMAINS: usize = 100;
const GOAL: Goal = Goal::Times(1.5);
const VERIFIER: &str = "challenge-verifier";
/// Works on when the last domain is proved, which is not to be measured.
const ISSUER: &str = "certificate-issuer-1";

/// See the file.
pub(crate) struct OneOfMany;

#[async_trait(?Send)]
impl Row for OneOfMany {
    fn name(&self) -> &'static str {
        "one-of-100"
    }

    fn settings(&self) -> Settings {
        Settings::Fast
    }

    async fn measure(&self, site: &Site, form: &Form) -> anyhow::Result<Vec<Comparison>> {
        let (floors, products) = in_turns(
            form.pick(3, 1),
            async |round| Case::of(site, 1, round).measure(form).await,
            async |round| Case::of(site, DOMAINS, round).measure(form).await,
        )
        .await?;
        let line = |what: &str, of: fn(&Costs) -> f64| {
            let spread = |costs: &[Costs]| Spread::of(costs.iter().map(of));
            anyhow::Ok(Comparison::new(what, spread(&floors)?, spread(&products)?, GOAL))
        };
        [
            line("a look in vain: its record (ms)", |costs| costs.pending),
            line("a look in vain: all its statements (ms)", |costs| costs.statements),
            line("a proof: its record (ms)", |costs| costs.proved),
        ]
        .into_iter()
        .collect()
    }
}

/// Instances of one size.
struct Case<'s> {
    site: &'s Site,
    /// Domains of each.
    each: usize,
    /// Their ids begin so.
    prefix: String,
}

/// Milliseconds in PostgreSQL, as the verifier waits for them.
struct Costs {
    pending: f64,
    statements: f64,
    proved: f64,
}

impl<'s> Case<'s> {
    fn of(site: &'s Site, each: usize, round: usize) -> Self {
        let prefix = format!("record-{each}-{round}-");
        Self { site, each, prefix }
    }

    async fn measure(&self, form: &Form) -> anyhow::Result<Costs> {
        let instances = DOMAINS / self.each;
        say(&format!("{instances} instances of {} domains are looked at", self.each));
        let domains = self.begin(instances).await?;
        let before = Counters::read(self.site).await?;
        sleep(form.seconds(15, 4)).await;
        let after = Counters::read(self.site).await?;
        let passed = after.since(&before);
        let record = Some(("statement", "record-pending"));
        let looks = passed.metric(
            VERIFIER,
            "step_attempt_duration_seconds_count",
            Some(("kind", "verify-challenge")),
        );
        let pending = mean_ms(&passed, "store_statement_duration_seconds", record)?;
        ensure!(looks > 0.0, "no domain was looked at");
        let in_statements = passed.metric(VERIFIER, "store_statement_duration_seconds_sum", None);

        self.site.stack.kill(ISSUER, Signal::Term).await?;
        let proved = self.prove(&domains).await;
        self.site.put_to_rest(&self.prefix).await?;
        self.site.stack.start_again(ISSUER).await?;
        Ok(Costs {
            pending,
            statements: in_statements * 1000.0 / looks,
            proved: proved?,
        })
    }

    /// Requests the instances, in an organization of their own, and waits until all their domains were looked at.
    async fn begin(&self, instances: usize) -> anyhow::Result<Vec<String>> {
        let organization = self.prefix.trim_end_matches('-');
        let mut all = Vec::new();
        for number in 0..instances {
            let id = self.id(number);
            let domains = domains(&id, self.each);
            self.site.request(&id, organization, &domains).await?;
            all.extend(domains);
        }
        self.site.until_count(LOOKED_AT, &self.prefix, DOMAINS).await?;
        Ok(all)
    }

    fn id(&self, number: usize) -> String {
        format!("{}{number}", self.prefix)
    }

    /// Sets all records, which are the same in one organization. Returns how long the record of a proof takes.
    async fn prove(&self, domains: &[String]) -> anyhow::Result<f64> {
        let value = self.site.record_of(&self.id(0)).await?;
        let before = Counters::read(self.site).await?;
        self.site.set_records(domains, &value).await?;
        self.site.until_count(PROVED, &self.prefix, DOMAINS).await?;
        let after = Counters::read(self.site).await?;
        let record = Some(("name", "record"));
        mean_ms(&after.since(&before), "store_transaction_duration_seconds", record)
    }
}

/// The mean of what the verifier's histogram has counted meanwhile.
fn mean_ms(passed: &Passed<'_>, histogram: &str, label: Option<(&str, &str)>) -> anyhow::Result<f64> {
    let count = passed.metric(VERIFIER, &format!("{histogram}_count"), label);
    ensure!(count > 0.0, "nothing is counted in {histogram} {label:?}");
    let seconds = passed.metric(VERIFIER, &format!("{histogram}_sum"), label);
    Ok(seconds * 1000.0 / count)
}
