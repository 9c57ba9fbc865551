//! PostgreSQL is away: workers take no more messages, nothing counts as an attempt, and the broker says so.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use customer::{Platform, status};
use serde_json::json;
use stack::{Dns, Endpoints, Handle, Options, Signal, WORKERS};

use crate::scrape::Scrape;
use crate::world::{PATIENCE, domain, until};

#[tokio::test]
async fn without_postgresql_nothing_is_burned_and_everything_resumes_by_itself() -> anyhow::Result<()> {
    let stack = Handle::start(Options::fast().with_env("all", "DATABASE_TIMEOUT", "1s")).await?;
    let e = stack.endpoints();
    let platform = Platform::new(&e.broker_url, &e.broker_username, &e.broker_password)?;
    let (id, name) = ("waits-for-its-record", domain("database"));
    platform.provision(id, "org", json!({"domains": [name]})).await?;
    let told = platform
        .poll(id, PATIENCE, "what to set", |answer| {
            status::persist_value(answer.description()).is_some()
        })
        .await?;
    let waiting = |scrape: &Scrape| scrape.sum("steps_waiting", &[]);
    let last_figures = Scrape::until(&stack, "figures", |scrape| waiting(scrape) == 1.0).await?;

    let before = attempts(e).await?;
    stack.kill("postgres", Signal::Kill).await?;
    let down = Instant::now();
    for worker in WORKERS {
        let health = health(&stack, &format!("{worker}-1"));
        until(worker, async || {
            let red = status_of(&format!("{health}/readyz")).await? == 503;
            let paused = text(&format!("{health}/metrics")).await?.contains("\nconsuming 0\n");
            // Those that have nothing in hand find out with their next message.
            Ok(red && (paused || worker != "challenge-verifier"))
        })
        .await?;
        assert_eq!(status_of(&format!("{health}/healthz")).await?, 200, "{worker} lives");
    }
    println!("noticed within {:?}", down.elapsed());
    assert!(down.elapsed() < Duration::from_secs(20), "{:?}", down.elapsed());
    let answer = platform.last_operation(id).await?;
    assert_eq!(answer.status, 503, "{}", answer.text);
    assert!(answer.body["description"].is_string(), "{}", answer.text);
    assert!(
        answer.headers.iter().any(|(name, _)| name == "retry-after"),
        "when to come back"
    );
    let answer = platform
        .provision("asked-meanwhile", "org", json!({"domains": [domain("never")]}))
        .await?;
    assert_eq!(answer.status, 503, "{}", answer.text);

    // Some seconds of it: an attempt a second, if any were made.
    tokio::time::sleep(Duration::from_secs(4)).await;
    let figures = Scrape::of(&stack).await?;
    assert_eq!(waiting(&figures), 1.0, "the figures stay as they are");
    let age = figures_read(&figures) - figures_read(&last_figures);
    assert!(age < 3.0, "and say so: they were read again after {age} s");
    assert_eq!(unread_figures(&stack)?, 1, "warned once, and not with each read");
    stack.start_again("postgres").await?;
    let after = attempts(e).await?;
    assert!(after - before <= 2, "{before} attempts before, {after} after");
    let dns = Dns::new(&e.dns_management_url)?;
    let value = status::persist_value(told.description()).expect("a set-once record");
    dns.set_txt(&format!("_validation-persist.{name}"), &value).await?;
    platform.succeeded(id, PATIENCE).await?;
    Scrape::until(&stack, "figures again", |scrape| {
        waiting(scrape) == 0.0 && figures_read(scrape) > figures_read(&figures) + 4.0
    })
    .await?;
    for worker in WORKERS {
        let health = health(&stack, &format!("{worker}-1"));
        until(
            worker,
            async || Ok(status_of(&format!("{health}/readyz")).await? == 200),
        )
        .await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_pool_that_is_used_up_is_an_error_with_a_metric_and_no_hang() -> anyhow::Result<()> {
    let options = Options::fast()
        .with_env("broker-api", "DATABASE_POOL_SIZE", "1")
        .with_env("broker-api", "DATABASE_TIMEOUT", "500ms");
    let stack = Handle::start(options).await?;
    let e = stack.endpoints();
    let platform = Platform::new(&e.broker_url, &e.broker_username, &e.broker_password)?;
    platform
        .provision("holds", "org", json!({"domains": [domain("pool")]}))
        .await?;
    // A lock keeps the only connection busy.
    let mut other = e.database().await?;
    let lock = other.transaction().await?;
    lock.batch_execute("lock table instances in access exclusive mode")
        .await?;
    let waiting = platform.last_operation("holds");
    let refused = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let begun = Instant::now();
        let answer = platform.last_operation("holds").await?;
        anyhow::Ok((answer, begun.elapsed()))
    };
    let release = async {
        tokio::time::sleep(Duration::from_secs(2)).await;
        lock.rollback().await
    };
    let (first, second, released) = tokio::join!(waiting, refused, release);
    released?;
    assert_eq!(
        first?.status, 200,
        "it got the connection, and waited for the lock only"
    );
    let (second, took) = second?;
    assert_eq!(second.status, 503, "{}", second.text);
    assert!(took < Duration::from_secs(2), "{took:?}");
    let metrics = text(&format!("{}/metrics", health(&stack, "broker-api"))).await?;
    assert!(
        metrics
            .lines()
            .any(|line| line.starts_with("store_pool_timeouts_total") && !line.ends_with(" 0")),
        "{metrics}"
    );
    Ok(())
}

/// When broker-api last read its figures.
fn figures_read(scrape: &Scrape) -> f64 {
    scrape.sum("figures_read_timestamp_seconds", &[])
}

/// How often broker-api has said that it can't.
fn unread_figures(stack: &Handle) -> anyhow::Result<usize> {
    let broker = stack.endpoints().process("broker-api").context("a broker-api")?;
    let log = std::fs::read_to_string(&broker.log)?;
    Ok(log.matches("the figures for /metrics can't be read").count())
}

async fn attempts(e: &Endpoints) -> anyhow::Result<i64> {
    let row = e
        .database()
        .await?
        .query_one("select coalesce(sum(attempt), 0)::bigint from steps", &[])
        .await?;
    Ok(row.get(0))
}

fn health(stack: &Handle, process: &str) -> String {
    stack
        .endpoints()
        .process(process)
        .and_then(|process| process.health_url.clone())
        .map(|url| url.trim_end_matches("/readyz").to_string())
        .expect("a health port")
}

async fn status_of(url: &str) -> anyhow::Result<u16> {
    Ok(reqwest::get(url).await?.status().as_u16())
}

async fn text(url: &str) -> anyhow::Result<String> {
    Ok(reqwest::get(url).await?.text().await?)
}
