//! One customer has a hundred domains that never respond, another has a single good one.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use chaos::controller::Taken;
use chaos::facts::Kind;
use chaos::jobs::{Course, Job, Way};
use chaos::life::World;
use chaos::report;
use chaos::verdict::{self, Line};
use customer::percentile;
use stack::Options;
use tokio::net::TcpListener;
use tokio::time::{sleep, timeout};

use crate::durations::durations;
use crate::site;

/// The interval of a waiting person.
const POLL_EVERY: Duration = Duration::from_millis(200);
/// The address of the slow domains: connections are never answered.
const SILENT: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 9);
const CROWD: &str = "crowd";
/// How many of them are probed concurrently: an instance's share of 16 seats.
const ITS_SHARE: usize = 4;
/// The factor by which a single domain may take longer beside the crowd than alone, plus [`GRACE`].
const TIMES: u32 = 2;
const GRACE: Duration = Duration::from_secs(3);
const PATIENCE: Duration = Duration::from_secs(180);

/// The parameters of the comparison.
#[derive(Clone, Copy, Debug)]
pub struct Wish {
    /// The slow domains of the one customer.
    pub slow: u16,
    /// How often the other customer is measured, alone and beside the first.
    pub singles: u16,
}

/// Runs the measurement. Returns the report, and the number of broken promises.
///
/// # Errors
/// When the stack does not start, an operation does not end, or the final state can't be read.
pub async fn run(wish: Wish, say: fn(&str)) -> anyhow::Result<(String, usize)> {
    let world = site::start(options(), POLL_EVERY).await?;
    let silent = Silent::listen(world.stack.endpoints().http_port).await?;
    say("single domains, alone");
    let alone = timeout(PATIENCE, singles(&world, "alone", wish.singles)).await?;
    say(&format!("{} slow domains are asked for", wish.slow));
    let crowd = begin_crowd(&world, wish.slow).await?;
    timeout(PATIENCE, silent.is_asked(ITS_SHARE))
        .await
        .context("the slow domains are not probed")?;
    say("single domains, beside the crowd");
    let (began, probes) = (Instant::now(), silent.asked());
    let beside = timeout(PATIENCE, singles(&world, "beside", wish.singles)).await?;
    let rate = (silent.asked() - probes) as f64 / began.elapsed().as_secs_f64();
    let removal = async {
        world.remove(CROWD, Kind::Cancel).await;
        for name in ["alone", "beside"] {
            for number in 0..wish.singles {
                world.remove(&format!("{name}-{number}"), Kind::Cleanup).await;
            }
        }
    };
    timeout(PATIENCE, removal).await?;
    world.facts.ended(crowd, chaos::facts::End::Superseded);
    let found = site::nothing_left(&world).await?;
    let (text, broken) = {
        let seen = world.facts.seen();
        let mut lines = verdict::always(&seen, &found);
        let allowed = percentile(&alone, 1.0) * TIMES + GRACE;
        lines.extend([
            Line::told("a single domain alone took (s)", all(&alone)),
            Line::told("  while the slow ones were probed per second", format!("{rate:.1}")),
            Line {
                kept: Some(beside.len() == usize::from(wish.singles) && percentile(&beside, 1.0) <= allowed),
                ..Line::told(
                    format!("  beside them it took (s), at most {:.1}", allowed.as_secs_f64()),
                    all(&beside),
                )
            },
        ]);
        report::table(
            &format!("fairness report, {} slow domains", wish.slow),
            &lines,
            &seen,
            &[],
        )
    };
    site::end(world).await?;
    Ok((text, broken))
}

/// One process of every worker, so that no second one can let a step through; a slow domain holds a seat for eight
/// seconds.
fn options() -> Options {
    Options::fast()
        .with_env("challenge-verifier", "HTTP_TIMEOUT", "8s")
        .with_env("broker-api", "UNPROVED_DOMAINS", "0")
}

/// In sequence: the duration of each.
async fn singles(world: &World, name: &str, count: u16) -> Vec<Duration> {
    let before = durations(&world.facts.seen(), Kind::Provision).len();
    let mut took = Vec::new();
    for number in 0..count {
        let began = Instant::now();
        let job = Job {
            id: format!("{name}-{number}"),
            organization: "small".to_owned(),
            domains: vec![(format!("{name}{number}.small.example.com"), Way::Persist)],
            change: None,
            course: Course::Keep,
        };
        world.live(&job).await;
        took.push(began.elapsed());
    }
    let succeeded = durations(&world.facts.seen(), Kind::Provision).len() - before;
    took.truncate(succeeded);
    took.sort_unstable();
    took
}

async fn begin_crowd(world: &World, slow: u16) -> anyhow::Result<usize> {
    let job = Job {
        id: CROWD.to_owned(),
        organization: "large".to_owned(),
        domains: (0..slow)
            .map(|number| (format!("d{number}.large.example.com"), Way::Http01))
            .collect(),
        change: None,
        course: Course::Keep,
    };
    for (domain, _) in &job.domains {
        world.dns.add_a(domain, &[&SILENT.to_string()]).await?;
    }
    let asked = world.facts.asked(CROWD, Kind::Provision);
    match world.controller.provision(&job).await {
        Taken::Accepted(_) => Ok(asked),
        other => anyhow::bail!("the slow domains are not taken: {other:?}"),
    }
}

fn all(sorted: &[Duration]) -> String {
    let texts: Vec<String> = sorted.iter().map(|took| format!("{:.1}", took.as_secs_f64())).collect();
    texts.join(" ")
}

/// A web server that accepts every connection and never responds.
struct Silent {
    asked: Arc<AtomicUsize>,
}

impl Silent {
    async fn listen(port: u16) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(SocketAddr::from((SILENT, port))).await?;
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::Relaxed);
                tokio::spawn(async move {
                    // Longer than any client waits.
                    sleep(Duration::from_secs(60)).await;
                    drop(connection);
                });
            }
        });
        Ok(Self { asked })
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }

    async fn is_asked(&self, times: usize) {
        while self.asked() < times {
            sleep(Duration::from_millis(100)).await;
        }
    }
}
