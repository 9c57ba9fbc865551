//! How long the verifiers take for domains whose records are in place, by how far away the DNS servers are and how many
//! verifiers there are, beside the same looks in a bare loop.
//!
//! The verifiers are frozen while the orders are placed and the records set, so that all domains are due when the clock
//! starts and each is looked at once: no wait of a schedule is in it. Who issues certificates is stopped meanwhile, so
//! that nothing but the verifiers works.

use std::sync::Arc;
use std::time::Instant;

use anyhow::Context as _;
use async_trait::async_trait;
use challenge_verifier::{Expected, Prober};
use stack::Signal;

use crate::comparison::{Comparison, Goal};
use crate::floor::looks;
use crate::form::Form;
use crate::metrics::Metrics;
use crate::processes::Processes;
use crate::row::Row;
use crate::run::say;
use crate::site::{PROVED, Settings, Site, VERIFIERS, domains};
use crate::spread::Spread;

const VERIFIER: &str = "challenge-verifier";
const ISSUER: &str = "certificate-issuer-1";
/// Of an instance.
const DOMAINS: usize = 100;
/// `CONCURRENCY` of a verifier, as it ships.
const AT_ONCE: usize = 16;
/// At least this share of what the floor does in the same time, and of what as many single processes would do.
const LEAST: f64 = 0.9;
/// Of the instances whose ids begin with the parameter.
const WAITING: &str = "select count(*) from steps s join operations o on o.id = s.operation_id \
    where starts_with(o.instance_id, $1) and s.kind = 'verify-challenge' and s.state = 'waiting'";

/// See the file.
pub(crate) struct VerifierScaling;

#[async_trait(?Send)]
impl Row for VerifierScaling {
    fn name(&self) -> &'static str {
        "verifier-scaling"
    }

    fn settings(&self) -> Settings {
        Settings::Verifiers
    }

    async fn measure(&self, site: &Site, form: &Form) -> anyhow::Result<Vec<Comparison>> {
        let far = site.far_dns.as_ref().context("a stack without a DNS server far away")?;
        let prober = Arc::new(looks::prober(site, far.address())?);
        let mut measured = Vec::new();
        let mut running = VERIFIERS;
        // From the most down, so that none has to be started.
        for verifiers in form.pick(vec![8, 4, 2, 1], vec![4, 1]) {
            for surplus in verifiers + 1..=running {
                site.stack.kill(&format!("{VERIFIER}-{surplus}"), Signal::Term).await?;
            }
            running = verifiers;
            for dns_ms in form.pick(vec![0, 20, 100], vec![0, 100]) {
                far.set_round_trip(dns_ms);
                let instances = form.pick(10, 4);
                let case = Case {
                    dns_ms,
                    verifiers,
                    instances,
                };
                say(&format!("verifiers: {}", case.name()));
                measured.push(case.measure(site, form.pick(2, 1), &prober).await?);
            }
        }
        measured.sort_by_key(|one| (one.case.dns_ms, one.case.verifiers));
        let mut comparisons = Vec::new();
        for one in &measured {
            comparisons.extend(one.beside_its_floor());
        }
        comparisons.extend(linear(&measured));
        Ok(comparisons)
    }
}

/// What is varied.
#[derive(Clone, Copy)]
struct Case {
    dns_ms: u64,
    /// Processes.
    verifiers: u16,
    instances: usize,
}

/// Of one of floor and product, in one round.
#[derive(Clone, Copy)]
struct Took {
    seconds: f64,
    /// Processors that were busy, with everything that worked for it.
    busy: f64,
}

/// A case's rounds.
struct Measured {
    case: Case,
    floor: Spread,
    product: Spread,
    floor_busy: Spread,
    busy: Spread,
    /// Messages that were postponed, for each domain.
    put_off: Spread,
}

impl Case {
    fn name(&self) -> String {
        let Self {
            dns_ms,
            verifiers,
            instances,
        } = self;
        format!(
            "{} domains, DNS {dns_ms} ms, {verifiers} processes",
            instances * DOMAINS
        )
    }

    async fn measure(self, site: &Site, rounds: usize, prober: &Arc<Prober>) -> anyhow::Result<Measured> {
        let (mut floors, mut products, mut put_off) = (Vec::new(), Vec::new(), Vec::new());
        for round in 0..rounds {
            let before = put_off_so_far(site).await?;
            let batch = Batch::prepare(site, self, round).await?;
            // Each goes first in turns, over the same domains.
            if round % 2 == 0 {
                floors.push(batch.floor(prober).await?);
                products.push(batch.product(site).await?);
            } else {
                products.push(batch.product(site).await?);
                floors.push(batch.floor(prober).await?);
            }
            batch.end(site).await?;
            put_off.push((put_off_so_far(site).await? - before) / batch.expected.len() as f64);
        }
        let spread = |all: &[Took], of: fn(&Took) -> f64| Spread::of(all.iter().map(of));
        Ok(Measured {
            case: self,
            floor: spread(&floors, |took| took.seconds)?,
            product: spread(&products, |took| took.seconds)?,
            floor_busy: spread(&floors, |took| took.busy)?,
            busy: spread(&products, |took| took.busy)?,
            put_off: Spread::of(put_off)?,
        })
    }
}

/// Domains that are due, with their records in place, and verifiers that are frozen.
struct Batch {
    case: Case,
    /// What the ids of its instances have in common.
    prefix: String,
    expected: Arc<Vec<Expected>>,
}

impl Batch {
    async fn prepare(site: &Site, case: Case, round: usize) -> anyhow::Result<Self> {
        let prefix = format!("verifiers-{}-{}-{round}-", case.verifiers, case.dns_ms);
        let ids: Vec<String> = (0..case.instances).map(|number| format!("{prefix}{number}")).collect();
        signal(site, case, Signal::Stop).await?;
        for id in &ids {
            // In an organization of its own.
            site.request(id, id, &domains(id, DOMAINS)).await?;
        }
        site.until_count(WAITING, &prefix, ids.len() * DOMAINS).await?;
        for id in &ids {
            let value = site.record_of(id).await?;
            site.set_records(&domains(id, DOMAINS), &value).await?;
        }
        // It ends when it has published what it recorded.
        site.stack.kill(ISSUER, Signal::Term).await?;
        let expected = Arc::new(looks::wanted(site, &prefix).await?);
        Ok(Self { case, prefix, expected })
    }

    async fn floor(&self, prober: &Arc<Prober>) -> anyhow::Result<Took> {
        let before = Processors::now()?;
        looks::all(prober, &self.expected, AT_ONCE * usize::from(self.case.verifiers)).await?;
        before.took()
    }

    async fn product(&self, site: &Site) -> anyhow::Result<Took> {
        let before = Processors::now()?;
        signal(site, self.case, Signal::Cont).await?;
        site.until_count(PROVED, &self.prefix, self.expected.len()).await?;
        before.took()
    }

    /// Leaves no work behind.
    async fn end(&self, site: &Site) -> anyhow::Result<()> {
        site.put_to_rest(&self.prefix).await?;
        site.stack.start_again(ISSUER).await
    }
}

/// To all verifiers.
async fn signal(site: &Site, case: Case, signal: Signal) -> anyhow::Result<()> {
    for number in 1..=case.verifiers {
        site.stack.kill(&format!("{VERIFIER}-{number}"), signal).await?;
    }
    Ok(())
}

async fn put_off_so_far(site: &Site) -> anyhow::Result<f64> {
    let metrics = Metrics::read(&site.stack.endpoints_now().await?).await?;
    Ok(metrics.sum(VERIFIER, "deliveries_deferred_total", None))
}

/// What this program and all below it, the stack included, have used at a moment.
struct Processors {
    at: Instant,
    used: f64,
}

impl Processors {
    fn now() -> anyhow::Result<Self> {
        let used = Processes::read()?.cpu_of_tree(std::process::id());
        Ok(Self {
            used: used.as_secs_f64(),
            at: Instant::now(),
        })
    }

    /// Since then.
    fn took(&self) -> anyhow::Result<Took> {
        let seconds = self.at.elapsed().as_secs_f64();
        let used = Self::now()?.used - self.used;
        Ok(Took {
            seconds,
            busy: used / seconds,
        })
    }
}

impl Measured {
    fn beside_its_floor(&self) -> [Comparison; 3] {
        let name = self.case.name();
        let goal = Goal::Times(1.0 / LEAST);
        [
            Comparison::new(format!("{name} (s)"), self.floor, self.product, goal),
            Comparison::new(
                format!("{name}: busy processors"),
                self.floor_busy,
                self.busy,
                Goal::None,
            ),
            Comparison::told(format!("{name}: postponed, per domain"), self.put_off),
        ]
    }
}

/// Several processes beside as many single ones, where the latency limits them: where the floor is linear.
fn linear(measured: &[Measured]) -> Vec<Comparison> {
    let mut comparisons = Vec::new();
    for several in measured.iter().filter(|one| one.case.verifiers > 1) {
        let single = measured
            .iter()
            .find(|one| one.case.verifiers == 1 && one.case.dns_ms == several.case.dns_ms);
        let Some(single) = single else { continue };
        let shares = f64::from(several.case.verifiers);
        if several.floor.median > single.floor.median / shares / LEAST {
            continue;
        }
        let share = Spread {
            min: single.product.min / shares,
            median: single.product.median / shares,
            max: single.product.max / shares,
        };
        comparisons.push(Comparison::new(
            format!("{}, beside its share of one process's time (s)", several.case.name()),
            share,
            several.product,
            Goal::Times(1.0 / LEAST),
        ));
    }
    comparisons
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(dns_ms: u64, verifiers: u16, floor: f64, product: f64) -> Measured {
        Measured {
            case: Case {
                dns_ms,
                verifiers,
                instances: 10,
            },
            floor: Spread::once(floor),
            product: Spread::once(product),
            floor_busy: Spread::once(1.0),
            busy: Spread::once(1.0),
            put_off: Spread::once(0.0),
        }
    }

    #[test]
    fn processes_are_compared_with_as_many_single_ones_where_the_floor_is_linear() {
        let all = [
            measured(0, 1, 2.0, 8.0),
            measured(0, 4, 1.5, 7.0),
            measured(100, 1, 8.0, 16.0),
            measured(100, 4, 2.1, 8.0),
        ];
        let linear = linear(&all);
        assert_eq!(linear.len(), 1, "the processors are the limit at 0 ms");
        assert_eq!(linear[0].times(), Some(2.0), "8 s, a quarter of 16 s would be linear");
        assert_eq!(linear[0].reached(), Some(false));
    }

    #[test]
    fn the_floor_is_beside_the_product() {
        let [seconds, ..] = measured(20, 2, 9.0, 9.9).beside_its_floor();
        assert_eq!(seconds.what, "1000 domains, DNS 20 ms, 2 processes (s)");
        assert_eq!(seconds.reached(), Some(true), "0.9 times as fast");
    }
}
