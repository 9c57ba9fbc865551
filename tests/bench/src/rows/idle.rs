//! A service that has nothing to do, beside hello-world axum; and a broker with 10,000 instances at rest.

use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use async_trait::async_trait;
use stack::{Http, SERVICES, Signal};
use tokio::time::sleep;

use crate::comparison::{Comparison, Goal};
use crate::counters::Counters;
use crate::floor::server::Server;
use crate::form::Form;
use crate::processes::resident_mib;
use crate::row::Row;
use crate::site::{PATIENCE, Settings, Site};
use crate::spread::{Spread, millis};
use crate::stored;

const MEMORY_MIB: f64 = 20.0;
const READY_MS: f64 = 200.0;
/// How often a server that starts is asked.
const EVERY: Duration = Duration::from_millis(2);
/// What RabbitMQ, PostgreSQL and the services do after a start, or after many rows were written.
const SETTLES: Duration = Duration::from_secs(10);
/// What else works for them.
const OTHERS: [&str; 2] = ["postgres", "rabbitmq"];

/// See the file.
pub(crate) struct Idle;

#[async_trait(?Send)]
impl Row for Idle {
    fn name(&self) -> &'static str {
        "idle"
    }

    fn settings(&self) -> Settings {
        Settings::Default
    }

    async fn measure(&self, site: &Site, form: &Form) -> anyhow::Result<Vec<Comparison>> {
        stored::fill(site).await?;
        sleep(SETTLES).await;
        let mut comparisons = memory(site).await?;
        let resting = at_rest(site, form).await?;
        comparisons.extend(starts(site, form).await?);
        comparisons.extend(sizes()?);
        comparisons.extend(resting);
        Ok(comparisons)
    }
}

/// The first process of a service, in the stack's names.
fn process_of(service: &str) -> String {
    match service {
        "broker-api" => service.to_owned(),
        worker => format!("{worker}-1"),
    }
}

async fn memory(site: &Site) -> anyhow::Result<Vec<Comparison>> {
    let hello = Server::start("hello", &[]).await?;
    until_ready(&format!("http://{}", hello.address)).await?;
    let floor = Spread::once(resident_mib(hello.pid()?)?);
    let endpoints = site.stack.endpoints_now().await?;
    let line = |service: &&str| {
        let process = endpoints.process(&process_of(service)).context("a service")?;
        let resident = resident_mib(process.pid.context("a service that runs")?)?;
        let what = format!("{service}: memory (MiB)");
        anyhow::Ok(Comparison::new(
            what,
            floor,
            Spread::once(resident),
            Goal::AtMost(MEMORY_MIB),
        ))
    };
    SERVICES.iter().map(line).collect()
}

/// From the start of the process until `/readyz` is answered by 200: with PostgreSQL and RabbitMQ connected.
async fn starts(site: &Site, form: &Form) -> anyhow::Result<Vec<Comparison>> {
    let mut floors = Vec::new();
    for _ in 0..form.rounds() {
        let began = Instant::now();
        let hello = Server::start("hello", &[]).await?;
        until_ready(&format!("http://{}", hello.address)).await?;
        floors.push(millis(began.elapsed()));
    }
    let floor = Spread::of(floors)?;
    let mut comparisons = Vec::new();
    for service in SERVICES {
        let mut took = Vec::new();
        for _ in 0..form.rounds() {
            took.push(started_again(site, &process_of(service)).await?);
        }
        let what = format!("{service}: start to ready (ms)");
        comparisons.push(Comparison::new(what, floor, Spread::of(took)?, Goal::AtMost(READY_MS)));
    }
    Ok(comparisons)
}

async fn started_again(site: &Site, process: &str) -> anyhow::Result<f64> {
    let info = site.stack.endpoints().process(process).context("a process")?;
    let url = info.health_url.as_deref().context("a health URL")?;
    site.stack.kill(process, Signal::Term).await?;
    let began = Instant::now();
    site.stack.begin_again(process).await?;
    until_ready(url).await?;
    Ok(millis(began.elapsed()))
}

async fn until_ready(url: &str) -> anyhow::Result<()> {
    let http = Http::plain()?;
    let (url, began) = (format!("{url}/readyz"), Instant::now());
    while !http.is_up(&url).await {
        ensure!(began.elapsed() < PATIENCE, "{url} is not ready");
        sleep(EVERY).await;
    }
    Ok(())
}

fn sizes() -> anyhow::Result<Vec<Comparison>> {
    let line = |service: &&str| {
        let bytes = std::fs::metadata(stack::program(service)?)?.len();
        let size = Spread::once(bytes as f64 / f64::from(1 << 20));
        anyhow::Ok(Comparison::told(format!("{service}: program (MiB)"), size))
    };
    SERVICES.iter().map(line).collect()
}

async fn at_rest(site: &Site, form: &Form) -> anyhow::Result<Vec<Comparison>> {
    let before = Counters::read(site).await?;
    sleep(form.seconds(30, 5)).await;
    let after = Counters::read(site).await?;
    let passed = after.since(&before);
    let told = |what: &str, value: f64| Comparison::told(format!("at rest: {what}"), Spread::once(value));
    let mut comparisons = vec![
        told("transactions per second", passed.transactions() / passed.seconds()),
        told("messages per second", passed.messages() / passed.seconds()),
    ];
    for process in SERVICES.iter().chain(&OTHERS) {
        let percent = passed.cpu(process) / passed.seconds() * 100.0;
        comparisons.push(told(&format!("{process}, % of a processor"), percent));
    }
    Ok(comparisons)
}
