//! How many questions dns-responder answers while a CA validates an order through it. By hand, since it takes a release build
//! and the whole machine; docs/operators/delegation-responder.md has the command and what was measured.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use customer::status;
use stack::{DELEGATION_ZONE, Options, Signal};
use tokio::process::{Child, Command};

use crate::world::{PATIENCE, World, domain};

const QUESTIONS_A_SECOND: u32 = 20_000;
const SECONDS: u32 = 20;
const TARGETS: u32 = 10_000;

fn options() -> Options {
    // What is published here belongs to no order.
    let mut options = Options::fast()
        .with_responder()
        .with_env("certificate-issuer", "DELEGATION_INTERVAL", "1h");
    let release = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/release/dns-responder");
    options.responder_program = Some(release);
    options
}

/// As many targets as a large broker has, and a value at every sixteenth.
const FILL: &str = "insert into delegation_targets (tenant, zone, domain, label) \
     select 'load', $1, number || '.example.com', md5(number::text) from generate_series(1, $2::int) as number";
const PUBLISH: &str = "insert into published_values (name, value) \
     select label || '.' || zone, 'evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA' from delegation_targets \
     where tenant = 'load' and label like '%0'";

/// What resolvers ask: targets with and without values, other types, and names that nobody was given.
async fn questions(world: &World, file: &Path) -> anyhow::Result<()> {
    let rows = world
        .sql()
        .await?
        .query("select label from delegation_targets", &[])
        .await?;
    let mut text = String::new();
    for row in rows {
        let label: String = row.get(0);
        for line in [
            format!("{label}.{DELEGATION_ZONE} TXT"),
            format!("{label}.{DELEGATION_ZONE} A"),
            format!("no-{label}.{DELEGATION_ZONE} TXT"),
        ] {
            writeln!(text, "{line}")?;
        }
    }
    std::fs::write(file, text)?;
    Ok(())
}

/// `outstanding`: for how many answers it waits before it asks no more for a moment.
fn dnsperf(world: &World, file: &Path, outstanding: u16) -> anyhow::Result<Child> {
    let server = world.handle.endpoints().delegation.as_ref().context("no zone")?.server;
    let child = Command::new("dnsperf")
        .args([
            "-s",
            &server.ip().to_string(),
            "-p",
            &server.port().to_string(),
            "-c",
            "8",
            "-q",
            &outstanding.to_string(),
        ])
        .args([
            "-l",
            &SECONDS.to_string(),
            "-Q",
            &QUESTIONS_A_SECOND.to_string(),
            "-t",
            "2",
        ])
        .arg("-d")
        .arg(file)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    Ok(child)
}

/// The number behind these words.
fn figure(text: &str, words: &str) -> anyhow::Result<f64> {
    let (_, rest) = text
        .split_once(words)
        .with_context(|| format!("no {words:?} in {text}"))?;
    let number = rest.trim_start().split([' ', '\n']).next().unwrap_or_default();
    number.parse().with_context(|| format!("{words} {number}"))
}

/// How long a value takes from its commit until dns-responder answers with it, with all targets; dig's own start included.
async fn visible_after(world: &World) -> anyhow::Result<Vec<Duration>> {
    let sql = world.sql().await?;
    let server = world.handle.endpoints().delegation.as_ref().context("no zone")?.server;
    let (to, port) = (format!("@{}", server.ip()), server.port().to_string());
    let label: String = sql
        .query_one("select min(label) from delegation_targets where tenant = 'load'", &[])
        .await?
        .get(0);
    let name = format!("{label}.{DELEGATION_ZONE}");
    let mut took = Vec::new();
    for number in 0..20 {
        let value = format!("value-{number}");
        sql.execute(
            "insert into published_values (name, value) values ($1, $2)",
            &[&name, &value],
        )
        .await?;
        let begun = Instant::now();
        loop {
            let line = [&to, "-p", &port, &name, "TXT", "+short"];
            let answer = Command::new("dig").args(line).output().await?.stdout;
            if String::from_utf8(answer)?.contains(&format!("\"{value}\"")) {
                break;
            }
            ensure!(begun.elapsed() < PATIENCE, "{value} is never visible");
        }
        took.push(begun.elapsed());
        // So that the next reading is not one that follows another closely.
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    took.sort();
    Ok(took)
}

/// Runs the flood against the only process that is left, and places an order meanwhile. Returns what dnsperf said.
async fn order_during_flood(world: &World, outstanding: u16) -> anyhow::Result<String> {
    let sql = world.sql().await?;
    sql.execute(FILL, &[&DELEGATION_ZONE, &i32::try_from(TARGETS)?]).await?;
    sql.execute(PUBLISH, &[]).await?;
    world.handle.kill("dns-responder-2", Signal::Kill).await?;
    let visible = visible_after(world).await?;
    println!(
        "a value is visible after {:.0?} (median), {:.0?} at most",
        visible[10], visible[19]
    );
    let file = world.handle.endpoints().folder.join("questions");
    questions(world, &file).await?;
    let instance = world.create(&[domain("flooded")]).await?;
    let told = world.told(&instance).await?;
    let target = status::cname_target(&told, &instance.domains[0]).with_context(|| told.clone())?;
    let flood = dnsperf(world, &file, outstanding)?;
    let begun = Instant::now();
    let name = format!("_acme-challenge.{}", instance.domains[0]);
    world.dns.set_cname(&name, &target).await?;
    world.platform.succeeded(&instance.id, PATIENCE).await?;
    let took = begun.elapsed();
    ensure!(
        took.as_secs() < u64::from(SECONDS),
        "the flood was over before the order: {took:?}"
    );
    println!("the order was validated and its certificate served {took:.1?} after the CNAME was set");
    let output = flood.wait_with_output().await?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    println!("{said}");
    let endpoints = world.handle.endpoints();
    let health = endpoints
        .process("dns-responder-1")
        .and_then(|process| process.health_url.as_deref());
    let metrics = reqwest::get(format!("{}/metrics", health.context("no address")?))
        .await?
        .text()
        .await?;
    for line in metrics.lines().filter(|line| line.starts_with("dns_")) {
        println!("{line}");
    }
    Ok(said)
}

#[tokio::test]
#[ignore = "measures speed, with a release build of dns-responder"]
async fn an_order_is_validated_during_twenty_thousand_questions_a_second() -> anyhow::Result<()> {
    let world = World::own(options().with_env("dns-responder", "ANSWER_RATE_LIMIT", "0")).await?;
    let said = order_during_flood(&world, 100).await?;
    let (sent, lost) = (figure(&said, "Queries sent:")?, figure(&said, "Queries lost:")?);
    ensure!(
        sent >= 0.95 * f64::from(QUESTIONS_A_SECOND * SECONDS),
        "only {sent} were sent"
    );
    ensure!(lost <= 0.01 * sent, "{lost} of {sent} were lost");
    Ok(())
}

/// The flood and Unbound are in one network, so Unbound is limited, too: it asks again, or comes by TCP.
#[tokio::test]
#[ignore = "measures speed, with a release build of dns-responder"]
async fn an_order_is_validated_while_its_resolvers_network_is_limited() -> anyhow::Result<()> {
    let world = World::own(options()).await?;
    let said = order_during_flood(&world, 60_000).await?;
    let (sent, lost) = (figure(&said, "Queries sent:")?, figure(&said, "Queries lost:")?);
    ensure!(lost >= 0.3 * sent, "{lost} of {sent} were not answered");
    Ok(())
}
