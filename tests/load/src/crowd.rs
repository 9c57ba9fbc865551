//! A thousand operations at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use chaos::facts::Kind;
use chaos::jobs::{Course, Job, Way};
use chaos::life::World;
use chaos::verdict::{self, Line};
use chaos::{live, memory, report};
use customer::percentile;
use stack::{Endpoints, Options, WORKERS};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::durations::durations;
use crate::site;

/// Cloud Controller's shortest interval.
const POLL_EVERY: Duration = Duration::from_secs(5);
/// The memory that an operator would give each process.
const MEMORY_MIB: u64 = 256;

/// The parameters.
#[derive(Clone, Copy, Debug)]
pub struct Wish {
    /// Instances, all requested at once, and removed at once when all are served.
    pub instances: u16,
    /// Domains of each instance.
    pub domains: u16,
    /// The time limit for everything.
    pub within: Duration,
}

/// Runs the measurement, and prints a line periodically. Returns the report, and the number of broken promises.
///
/// # Errors
/// When the stack does not start, or its final state can't be read.
pub async fn run(wish: Wish, say: fn(&str)) -> anyhow::Result<(String, usize)> {
    let world = site::start(options(), POLL_EVERY).await?;
    let endpoints = world.stack.endpoints().clone();
    let before = memory::read(&world.stack.endpoints_now().await?);
    let live = tokio::spawn(live::tell(Arc::clone(&world.facts), endpoints.clone(), say));
    let connections = Arc::new(AtomicI64::new(0));
    let counting = tokio::spawn(count_connections(endpoints.clone(), Arc::clone(&connections)));
    let began = Instant::now();
    let mut provisioned = None;
    let in_time = timeout(wish.within, async {
        each(&world, wish, |world, job| async move { world.live(&job).await }).await;
        provisioned = Some(began.elapsed());
        say("all are provisioned; now all are removed");
        each(&world, wish, |world, job| async move {
            world.remove(&job.id, Kind::Deprovision).await;
        })
        .await;
    })
    .await;
    let all = began.elapsed();
    live.abort();
    counting.abort();
    if in_time.is_err() {
        say("not everything has ended in time");
    }
    let after = memory::compare(&before, &memory::read(&world.stack.endpoints_now().await?));
    let found = site::nothing_left(&world).await?;
    let (text, broken) = {
        let seen = world.facts.seen();
        let mut lines = verdict::always(&seen, &found);
        lines.extend([
            took("provisions", &durations(&seen, Kind::Provision)),
            took("deprovisions", &durations(&seen, Kind::Deprovision)),
            Line::told(
                "all provisioned, all removed after",
                format!(
                    "{:.0}, {:.0} s",
                    provisioned.unwrap_or_default().as_secs_f64(),
                    all.as_secs_f64()
                ),
            ),
            Line::told(
                "connections to PostgreSQL, at most",
                connections.load(Ordering::Relaxed),
            ),
            Line::none(
                format!("services that had more than {MEMORY_MIB} MiB"),
                after
                    .iter()
                    .filter(|one| is_service(&one.process) && one.peak.is_some_and(|kib| kib > MEMORY_MIB * 1024))
                    .map(|one| one.process.clone())
                    .collect(),
            ),
        ]);
        let title = format!("load report, {} instances of {} domains", wish.instances, wish.domains);
        report::table(&title, &lines, &seen, &after)
    };
    site::end(world).await?;
    Ok((text, broken))
}

/// Two processes of every worker except one issuer, which sends one request at a time: Pebble 2.10 hangs for ever when
/// new orders overlap (`FindValidAuthorization` holds the store's lock and waits for an authorization's,
/// `makeChallenge` the other way round). AWS takes some seconds, so that steps wait and are retried as in production.
fn options() -> Options {
    let mut options = WORKERS
        .iter()
        .fold(Options::fast(), |options, worker| options.with_replicas(worker, 2))
        .with_replicas("certificate-issuer", 1)
        .with_env("certificate-issuer", "CONCURRENCY", "1")
        .with_unproved_unbounded();
    options.deploy_ms = 5_000;
    options
}

/// Records the maximum number of connections to PostgreSQL, excluding its own.
async fn count_connections(endpoints: Endpoints, most: Arc<AtomicI64>) -> anyhow::Result<()> {
    let client = endpoints.database().await?;
    let count = "select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()";
    loop {
        most.fetch_max(client.query_one(count, &[]).await?.get(0), Ordering::Relaxed);
        sleep(Duration::from_secs(1)).await;
    }
}

fn is_service(process: &str) -> bool {
    process == "broker-api" || WORKERS.iter().any(|worker| process.starts_with(worker))
}

fn took(what: &str, sorted: &[Duration]) -> Line {
    let seconds = |share| percentile(sorted, share).as_secs_f64();
    Line::told(
        format!("{what} took p50, p99, at most"),
        format!("{:.1}, {:.1}, {:.1} s", seconds(0.5), seconds(0.99), seconds(1.0)),
    )
}

/// Does something for every instance concurrently, and waits for all.
async fn each<F>(world: &Arc<World>, wish: Wish, act: impl Fn(Arc<World>, Job) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let mut all = JoinSet::new();
    for number in 0..wish.instances {
        all.spawn(act(Arc::clone(world), job(number, wish.domains)));
    }
    while all.join_next().await.is_some() {}
}

fn job(number: u16, domains: u16) -> Job {
    Job {
        id: format!("load-{number:04}"),
        organization: format!("organization-{}", number % 50),
        domains: (0..domains)
            .map(|domain| {
                let way = match domain % 10 {
                    0..=6 => Way::Persist,
                    7 | 8 => Way::Dns01,
                    _ => Way::Http01,
                };
                (format!("d{domain}.i{number:04}.example.com"), way)
            })
            .collect(),
        change: None,
        course: Course::Keep,
    }
}
