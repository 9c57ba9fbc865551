//! An operator has every service log more for a while, and restarts none.

use std::time::{Duration, Instant};

use anyhow::ensure;
use stack::SERVICES;
use tokio::time::sleep;

use crate::cdnctl::cdnctl;
use crate::world::{PATIENCE, World, world};

/// How often these words are in one line of a process's log, by process of the five services.
fn told(world: &World, words: &[&str]) -> anyhow::Result<Vec<(String, usize)>> {
    let processes = world.handle.endpoints().processes.iter();
    processes
        .filter(|process| SERVICES.iter().any(|service| process.name.starts_with(service)))
        .map(|process| {
            let log = std::fs::read_to_string(&process.log)?;
            let lines = log.lines().filter(|line| words.iter().all(|word| line.contains(word)));
            Ok((process.name.clone(), lines.count()))
        })
        .collect()
}

/// Until every process has told it so often.
async fn every_process_tells(world: &World, words: &[&str], times: usize) -> anyhow::Result<()> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let told = told(world, words)?;
        ensure!(told.len() >= 9, "two of each worker, and broker-api: {told:?}");
        if told.iter().all(|(_, count)| *count == times) {
            return Ok(());
        }
        ensure!(Instant::now() < deadline, "{words:?}, {times} times: {told:?}");
        sleep(Duration::from_millis(50)).await;
    }
}

async fn probes_in_the_log(world: &World) -> anyhow::Result<usize> {
    let health = format!("{}/healthz", world.handle.endpoints().broker_url);
    reqwest::get(health).await?.error_for_status()?;
    let told = told(world, &["DEBUG", "/healthz"])?;
    Ok(told.iter().map(|(_, count)| count).sum())
}

#[tokio::test]
async fn every_process_logs_differently_for_a_while_and_then_as_before() -> anyhow::Result<()> {
    let world = world().await;
    let database = &world.handle.endpoints().database_url;
    let set = |args: &'static [&str]| async move { cdnctl(database, &[&["log-level"], args].concat()).await };
    assert_eq!(set(&[]).await?.text, "RUST_LOG of each service\n");
    assert_eq!(probes_in_the_log(world).await?, 0);

    let said = set(&["info,broker_api=debug", "--for", "2h"]).await?;
    assert_eq!(said.code, Some(0), "{}", said.errors);
    assert!(said.text.starts_with("info,broker_api=debug until 2"), "{}", said.text);
    every_process_tells(
        world,
        &["the log level changes for a while", "info,broker_api=debug"],
        1,
    )
    .await?;
    let deadline = Instant::now() + PATIENCE;
    while probes_in_the_log(world).await? == 0 {
        ensure!(Instant::now() < deadline, "no request for /healthz in the log");
        sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(set(&[]).await?.text, said.text);

    assert_eq!(set(&["--reset"]).await?.text, "RUST_LOG of each service\n");
    every_process_tells(world, &["the log level is RUST_LOG's again"], 1).await?;
    let before = probes_in_the_log(world).await?;
    assert_eq!(probes_in_the_log(world).await?, before);

    // It ends by itself.
    set(&["info,broker_api=debug", "--for", "10s"]).await?;
    every_process_tells(world, &["the log level changes for a while"], 2).await?;
    every_process_tells(world, &["the log level is RUST_LOG's again"], 2).await
}

#[tokio::test]
async fn what_would_silence_the_services_or_last_for_ever_is_refused() -> anyhow::Result<()> {
    let database = &world().await.handle.endpoints().database_url;
    for (args, told) in [
        (&["degub"][..], "info,distribution=debug"),
        (&["debug", "--for", "48h"], "at most 24h"),
        (&["debug", "--reset"], "cannot be used with"),
    ] {
        let said = cdnctl(database, &[&["log-level"], args].concat()).await?;
        assert_eq!((said.code, said.text.as_str()), (Some(2), ""));
        assert!(said.errors.contains(told), "{}", said.errors);
    }
    Ok(())
}
