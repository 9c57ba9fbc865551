//! Clocks that are wrong: no process may decide by its own, and AWS' calls are signed by AWS' time.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::Context as _;
use customer::{Browser, Platform, status};
use serde_json::{Value, json};
use stack::{Handle, Options, Signal, WORKERS};

use crate::world::{domain, organization};

/// More than ten minutes: AWS refuses signatures that are 5 minutes off, aws-sim only those that are 15 minutes off.
const SKEW_MINUTES: i64 = 20;

/// For everything together: whatever waited for one clock to reach another would take far longer.
const LIMIT: Duration = Duration::from_secs(120);

fn libfaketime() -> anyhow::Result<String> {
    std::fs::read_dir("/usr/lib")?
        .filter_map(Result::ok)
        .map(|folder| folder.path().join("faketime/libfaketime.so.1"))
        .find(|path| path.is_file())
        .map(|path| path.display().to_string())
        .context("no libfaketime: tests/setup.sh installs it")
}

/// Every process with how many minutes it is ahead: of each pair one is ahead, the other behind.
fn skews() -> Vec<(String, i64)> {
    let mut all = vec![("broker-api".to_owned(), SKEW_MINUTES)];
    for worker in WORKERS {
        all.push((format!("{worker}-1"), SKEW_MINUTES));
        all.push((format!("{worker}-2"), -SKEW_MINUTES));
    }
    all
}

fn options() -> anyhow::Result<Options> {
    let library = libfaketime()?;
    let mut options = Options::fast();
    for worker in WORKERS {
        options = options.with_replicas(worker, 2);
    }
    for (process, minutes) in skews() {
        options = options
            .with_env(&process, "LD_PRELOAD", &library)
            .with_env(&process, "FAKETIME", &format!("{minutes:+}m"))
            .with_env(&process, "FAKETIME_DONT_FAKE_MONOTONIC", "1")
            .with_env(&process, "NO_FAKE_STAT", "1");
    }
    Ok(options)
}

/// How far ahead the process' clock is, by the `Date` of its answers. Seconds of the day are enough to tell.
async fn ahead(health_url: &str) -> anyhow::Result<i64> {
    const DAY: i64 = 86_400;
    let answer = reqwest::get(format!("{health_url}/healthz")).await?;
    let date = answer.headers().get("date").context("a Date")?.to_str()?;
    let clock = date.split(' ').nth(4).context("Wdy, DD Mon YYYY HH:MM:SS GMT")?;
    let theirs = clock
        .split(':')
        .try_fold(0, |sum, part| anyhow::Ok(sum * 60 + part.parse::<i64>()?))?;
    let ours = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs())? % DAY;
    Ok((theirs - ours + DAY / 2).rem_euclid(DAY) - DAY / 2)
}

/// Calls that aws-sim refused for their signature.
async fn refused_signatures(handle: &Handle) -> anyhow::Result<u64> {
    let url = format!("{}/counters", handle.endpoints().aws_admin_url);
    let counters: Value = reqwest::get(url).await?.json().await?;
    let operations = counters.as_object().context("counters by operation")?;
    Ok(operations
        .values()
        .filter_map(|operation| operation["results"]["SignatureDoesNotMatch"].as_u64())
        .sum())
}

/// From the provision by one way of proof to the end of the deprovision.
async fn main_job(
    handle: &Handle,
    platform: &Platform,
    browser: &Browser,
    label: &str,
    way: &str,
    until: Instant,
) -> anyhow::Result<()> {
    let left = || until.saturating_duration_since(Instant::now());
    let id = format!("clock-{label}-{way}");
    let name = domain(&id);
    let answer = platform
        .provision(&id, &organization(), json!({"domains": [name]}))
        .await?;
    assert_eq!(answer.status, 202, "{}", answer.text);
    let told = platform
        .poll(&id, left(), "what to set", |answer| {
            status::dns01_value(answer.description(), &name).is_some()
        })
        .await?;
    let (record, value) = match way {
        "persist" => ("_validation-persist", status::persist_value(told.description())),
        _ => ("_acme-challenge", status::dns01_value(told.description(), &name)),
    };
    let value = value.context("a value to set")?;
    handle.dns()?.set_txt(&format!("{record}.{name}"), &value).await?;
    platform.succeeded(&id, left()).await.context(id.clone())?;
    assert_eq!(browser.https(&name, "/").await?.status, 200, "{id}");
    assert_eq!(platform.deprovision(&id).await?.status, 202);
    platform.succeeded(&id, left()).await.context(id)?;
    Ok(())
}

#[tokio::test]
async fn clocks_that_are_off_delay_nothing() -> anyhow::Result<()> {
    let handle = Handle::start(options()?).await?;
    let e = handle.endpoints();
    let platform = Platform::new(&e.broker_url, &e.broker_username, &e.broker_password)?;
    for (process, minutes) in skews() {
        let url = e.process(&process).context("a process")?.health_url.as_deref();
        let off = ahead(url.context("a health URL")?).await?;
        assert!((off - minutes * 60).abs() < 30, "{process} is {off} s ahead");
    }

    let begun = Instant::now();
    let browser = Browser::new(&e.pebble_root_pem, e.edge_http, e.edge_https)?;
    let main_job =
        async |label: &str, way: &str| main_job(&handle, &platform, &browser, label, way, begun + LIMIT).await;
    main_job("both", "persist").await?;
    main_job("both", "dns-01").await?;
    // Alone, since else the one whose clock is right for something does it for the other.
    for worker in WORKERS {
        handle.kill(&format!("{worker}-1"), Signal::Term).await?;
    }
    main_job("behind", "persist").await?;
    for worker in WORKERS {
        handle.start_again(&format!("{worker}-1")).await?;
        handle.kill(&format!("{worker}-2"), Signal::Term).await?;
    }
    main_job("ahead", "dns-01").await?;

    // The skew was noticed by AWS, and then no more: by each process at most once per client and call under way.
    let refused = refused_signatures(&handle).await?;
    assert!((1..=40).contains(&refused), "{refused} calls were refused");
    let row = e
        .database()
        .await?
        .query_one(
            "select count(*), count(*) filter (where state = 'succeeded') from operations",
            &[],
        )
        .await?;
    assert_eq!((row.get(0), row.get(1)), (8_i64, 8_i64));
    Ok(())
}
