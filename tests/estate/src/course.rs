//! The whole course: creates the estate, lets the year pass, and reports the result.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use serde_json::json;
use stack::{Handle, Http, Options, Peer, WORKERS};
use tokio::time::{Instant, sleep_until};

use crate::fleet::Fleet;
use crate::growth::{self, Growth};
use crate::prober::{self, Visits};
use crate::report::{self, Found};
use crate::sampler::{self, Samples};
use crate::{bloat, past, plot, trouble};

/// The parameters.
#[derive(Clone, Debug)]
pub struct Wish {
    /// Instances of 1 to 20 domains.
    pub instances: u16,
    /// The lifetime of their certificates.
    pub life: Duration,
    /// The factor by which the simulated lifetimes are longer.
    pub scale: f64,
    /// How long the run continues once all are created, in simulated time.
    pub time: Duration,
    /// How long what has ended is kept in the database, in simulated time.
    pub retention: Duration,
    /// Where to draw the remaining lifetimes.
    pub plot: Option<PathBuf>,
}

impl Wish {
    /// The simulated days for a number of real seconds.
    pub(crate) fn days(&self, seconds: f64) -> f64 {
        seconds * self.scale / 86_400.0
    }

    /// The real duration of the run.
    pub(crate) fn lasts(&self) -> Duration {
        self.time.div_f64(self.scale)
    }

    /// The real time for which the history is kept.
    pub(crate) fn keeps(&self) -> Duration {
        self.retention.div_f64(self.scale)
    }

    /// Whether as much is deleted as is added by the middle of the run: what came first is no longer kept, and its
    /// certificates have ended.
    pub(crate) fn is_steady(&self) -> bool {
        self.lasts() / 2 >= self.keeps() + self.life
    }

    /// IAM's quota of server certificates: each instance's, and some that wait to be attached or retired.
    pub(crate) fn iam_quota(&self) -> usize {
        let instances = usize::from(self.instances);
        instances + instances.div_ceil(4) + 5
    }
}

/// Runs the course. Returns the report, and the number of broken promises.
///
/// # Errors
/// When the stack does not start, or its final state can't be read.
pub async fn run(wish: Wish, say: fn(&str)) -> anyhow::Result<(String, usize)> {
    let stack = Arc::new(Handle::start(options(&wish)).await?);
    let settings = format!("{}/settings", stack.endpoints().aws_admin_url);
    let quotas = json!({"iam_quota": wish.iam_quota(), "distribution_quota": wish.instances});
    Http::plain()?.post_json(&settings, &quotas).await?;
    bloat::hasten_autovacuum(stack.endpoints()).await?;
    past::remember(stack.endpoints()).await?;
    let fleet = Fleet::make(&stack, wish.instances, say).await?;
    say(&format!(
        "{} instances with {} domains are served; now {:.0} days pass in {}",
        wish.instances,
        fleet.domains().count(),
        wish.days(wish.lasts().as_secs_f64()),
        humantime::format_duration(Duration::from_secs(wish.lasts().as_secs())),
    ));

    let began = Instant::now();
    let visits = Arc::new(Visits::default());
    let samples = Arc::new(Samples::default());
    let prober = tokio::spawn(prober::visit(fleet.visitor(stack.endpoints())?, visits.clone()));
    let sampler = tokio::spawn(sampler::sample(stack.clone(), samples.clone(), began, wish.life / 150));
    let growth = Arc::new(Growth::default());
    let watcher = tokio::spawn(growth::watch(stack.clone(), growth.clone(), began, wish.lasts()));
    let pruner = tokio::spawn(past::prune(stack.clone(), wish.keeps()));
    let killed = Arc::new(AtomicUsize::new(0));
    let killer = tokio::spawn(trouble::kill_workers(stack.clone(), wish.life / 5, killed.clone()));
    let outage = tokio::spawn(trouble::ca_outage(
        stack.clone(),
        began + wish.lasts().mul_f64(0.45),
        wish.life / 3,
    ));
    let end = began + wish.lasts();
    while Instant::now() < end {
        sleep_until(end.min(Instant::now() + wish.life / 4)).await;
        say(&report::passing(&wish, began.elapsed(), &visits, &samples));
    }
    for (what, task) in [
        ("workers could not be killed", killer),
        ("the tables could not be watched", watcher),
        ("the history could not be pruned", pruner),
    ] {
        // None of them ends by itself.
        anyhow::ensure!(!task.is_finished(), "{what}: {:?}", task.await);
        task.abort();
    }
    trouble::revive(&stack).await?;
    let restarts = killed.load(Ordering::Relaxed);
    let outage = outage.await.context("the outage")??;
    prober.abort();
    sampler.abort();
    let found = Found::collect(&stack, &wish, &fleet, &growth).await?;
    let text = report::tell(&wish, &fleet, &visits, &samples, restarts, outage, &found);
    if let Some(path) = &wish.plot {
        let from = outage.from.duration_since(began).as_secs_f64();
        plot::draw(path, &wish, &samples, (from, from + outage.lasted.as_secs_f64()))?;
        say(&format!("the remaining lives are drawn in {}", path.display()));
    }
    tokio::task::spawn_blocking(move || drop(stack)).await?;
    Ok(text)
}

/// Two processes of every worker except one issuer, which places one order at a time: before the stack let requests to
/// Pebble in one at a time, it hung for ever when orders overlapped. A second CA, which is asked when the first one is away.
/// Every time is a fraction of the lifetime, as the defaults are of months.
fn options(wish: &Wish) -> Options {
    let of_life = |share: f64| format!("{}ms", wish.life.mul_f64(share).as_millis().max(200));
    let mut options = WORKERS
        .iter()
        .fold(Options::fast(), |options, worker| options.with_replicas(worker, 2))
        .with_replicas("certificate-issuer", 1)
        .with_delegation()
        .with_other_ca()
        .with_env("certificate-issuer", "ACME_FALLBACK_AFTER", &of_life(0.03))
        .with_env("certificate-issuer", "ACME_ORDERS_AT_ONCE", "1")
        .with_unproved_unbounded()
        .with_certificates_of(wish.life)
        .with_env("certificate-issuer", "RENEWAL_INTERVAL", &of_life(0.003))
        // At half of the lifetime, so that the rest outlasts the outage, whatever the CA suggests.
        .with_env("certificate-issuer", "RENEWAL_INFO_INTERVAL", "0s")
        .with_env("certificate-issuer", "RENEW_AFTER", "50%")
        .with_env("certificate-issuer", "RENEW_SPREAD", "10%")
        .with_env(
            "certificate-issuer",
            "SCHEDULE_AFTER_FAILED_RENEWAL",
            &format!("first={},factor=2,max={}", of_life(0.003), of_life(0.02)),
        );
    // Every order needs new validations, as with reuse of hours and lifetimes of months.
    options.pebble_env.insert("PEBBLE_AUTHZREUSE".into(), "0".into());
    options.proxies.insert(Peer::Pebble, 0);
    options
}
