//! How soon a record is seen that a user has set, with the settings as they ship: the wait may grow with the time that
//! the user took, and nobody's DNS servers may be asked too often meanwhile.

use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use async_trait::async_trait;
use time::OffsetDateTime;
use tokio::time::sleep_until;

use crate::comparison::{Comparison, Goal};
use crate::form::Form;
use crate::row::Row;
use crate::run::say;
use crate::site::{LOOKED_AT, Settings, Site, domains};
use crate::spread::Spread;

const DOMAINS: usize = 100;
/// Per second and 100 domains, after the first looks.
const QUESTIONS: f64 = 5.0;
/// What is proved, of an instance.
const PROVED: &str = "select count(*) from steps s join operations o on o.id = s.operation_id \
    where o.instance_id = $1 and s.kind = 'verify-challenge' and s.state = 'done'";
const WHEN: &str = "select s.subject, s.ended_at from steps s join operations o on o.id = s.operation_id \
    where o.instance_id = $1 and s.kind = 'verify-challenge' and s.state = 'done'";

/// See the file.
pub(crate) struct RecordSeen;

#[async_trait(?Send)]
impl Row for RecordSeen {
    fn name(&self) -> &'static str {
        "record-seen"
    }

    fn settings(&self) -> Settings {
        Settings::Default
    }

    async fn measure(&self, site: &Site, form: &Form) -> anyhow::Result<Vec<Comparison>> {
        let mut comparisons = Vec::new();
        for seconds in form.pick(vec![30, 120], vec![8]) {
            say(&format!("a user takes {seconds} s to set {DOMAINS} records"));
            comparisons.extend(after(site, Duration::from_secs(seconds)).await?);
        }
        Ok(comparisons)
    }
}

/// A user who takes so long.
async fn after(site: &Site, takes: Duration) -> anyhow::Result<Vec<Comparison>> {
    let id = format!("seen-{}", takes.as_secs());
    let domains = domains(&id, DOMAINS);
    let before = questions(site, &id, &domains).await?;
    site.request(&id, &id, &domains).await?;
    let value = site.record_of(&id).await?;
    let told = Instant::now();
    // First looks ask everything, and all are made at once: they have a line of their own.
    site.until_count(LOOKED_AT, &id, DOMAINS).await?;
    let after_first = questions(site, &id, &domains).await?;
    let counted_from = Instant::now();
    ensure!(
        told.elapsed() < takes,
        "the first looks took as long as the user: {:?}",
        told.elapsed()
    );
    sleep_until((told + takes).into()).await;
    let asked = questions(site, &id, &domains).await? - after_first;
    let per_second = asked as f64 / counted_from.elapsed().as_secs_f64();
    let first = (after_first - before) as f64 / DOMAINS as f64;

    let set = site.set_records(&domains, &value).await?;
    site.until_count(PROVED, &id, DOMAINS).await?;
    let seen = seen_after(site, &id, &domains, &set).await?;
    let name = format!("a user who takes {} s", takes.as_secs());
    let most = (5.0 + 0.05 * takes.as_secs_f64()).min(60.0);
    Ok(vec![
        Comparison::alone(
            format!("{name}: the last is seen after (s)"),
            Spread::once(seen.max),
            Goal::AtMost(most),
        ),
        Comparison::told(format!("{name}: each is seen after (s)"), seen),
        Comparison::alone(
            format!("{name}: DNS questions per second, after the first looks"),
            Spread::once(per_second),
            Goal::AtMost(QUESTIONS),
        ),
        Comparison::told(
            format!("{name}: DNS questions of the first looks, for each domain"),
            Spread::once(first),
        ),
    ])
}

/// Seconds from each record's setting to its being seen.
async fn seen_after(site: &Site, id: &str, domains: &[String], set: &[OffsetDateTime]) -> anyhow::Result<Spread> {
    let mut delays = Vec::new();
    for row in site.sql.query(WHEN, &[&id]).await? {
        let (domain, seen): (String, OffsetDateTime) = (row.try_get(0)?, row.try_get(1)?);
        let number = domains.iter().position(|known| *known == domain);
        let set = number.and_then(|number| set.get(number)).context("another domain")?;
        delays.push((seen - *set).as_seconds_f64());
    }
    Spread::of(delays)
}

/// All questions so far that the stack's DNS server was asked about these domains, by its own history: TXT, addresses,
/// and CAA up to the top.
async fn questions(site: &Site, id: &str, domains: &[String]) -> anyhow::Result<usize> {
    let above = [format!("{id}.example.com"), "example.com".to_owned(), "com".to_owned()];
    let mut count = 0;
    for name in names(domains).iter().chain(&above) {
        count += site.dns.history(name).await?.len();
    }
    Ok(count)
}

/// Where proofs are looked for.
fn names(domains: &[String]) -> Vec<String> {
    domains
        .iter()
        .flat_map(|domain| ["", "_validation-persist.", "_acme-challenge."].map(|label| format!("{label}{domain}")))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proofs_are_looked_for_at_three_names() {
        let names = names(&["www.example.com".to_owned()]);
        assert_eq!(
            names,
            [
                "www.example.com",
                "_validation-persist.www.example.com",
                "_acme-challenge.www.example.com"
            ]
        );
    }
}
