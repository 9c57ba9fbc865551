//! From the last record in place to HTTPS on all domains, beside bare instant-acme for the same order at the same CA,
//! plus aws-sim's own time.

use anyhow::Context as _;
use async_trait::async_trait;
use instant_acme::Account;

use crate::comparison::{Comparison, Goal};
use crate::floor::order;
use crate::form::Form;
use crate::row::Row;
use crate::run::say;
use crate::site::{Settings, Site, domains};
use crate::spread::Spread;
use crate::turns::in_turns;

/// Domains of the instance, and the goal in seconds.
const CASES: [(usize, Goal); 2] = [(100, Goal::Times(1.15)), (1, Goal::Plus(0.3))];

/// See the file; with these settings of the services.
pub(crate) struct ToHttps(pub(crate) Settings);

#[async_trait(?Send)]
impl Row for ToHttps {
    fn name(&self) -> &'static str {
        match self.0 {
            Settings::Default | Settings::Verifiers => "to-https-default",
            Settings::Fast => "to-https-fast",
        }
    }

    fn settings(&self) -> Settings {
        self.0
    }

    async fn measure(&self, site: &Site, form: &Form) -> anyhow::Result<Vec<Comparison>> {
        // Half a minute each, with the settings as they ship.
        let rounds = form.pick(form.rounds(), 1);
        let account = order::account(site).await?;
        let mut comparisons = Vec::new();
        for (count, goal) in CASES {
            say(&format!("{count} domains to HTTPS"));
            let (floors, products) = in_turns(
                rounds,
                async |round| floor(site, &account, count, round).await,
                async |round| product(site, count, round).await,
            )
            .await?;
            comparisons.push(Comparison::new(
                format!("{count} domains to HTTPS (s)"),
                Spread::of(floors)?.plus(site.aws_takes().as_secs_f64()),
                Spread::of(products)?,
                goal,
            ));
        }
        Ok(comparisons)
    }
}

async fn floor(site: &Site, account: &Account, count: usize, round: usize) -> anyhow::Result<f64> {
    let domains = domains(&format!("bare-{count}-{round}"), count);
    Ok(order::certificate(site, account, &domains).await?.as_secs_f64())
}

/// In an organization of its own, so that the CA has verified nothing of it.
async fn product(site: &Site, count: usize, round: usize) -> anyhow::Result<f64> {
    let id = format!("https-{count}-{round}");
    let domains = domains(&id, count);
    site.request(&id, &id, &domains).await?;
    let value = site.record_of(&id).await?;
    let set = site.set_records(&domains, &value).await?;
    let last = *set.last().context("no domain")?;
    Ok((site.provisioned(&id).await? - last).as_seconds_f64())
}
