//! A rolling upgrade: every process is replaced while work goes on, first beside a newer schema that old programs can
//! work with, then beside one that they can't.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use customer::{Answer, Platform, status};
use lapin::options::QueueDeclareOptions;
use lapin::{Connection, ConnectionProperties};
use serde_json::{Value, json};
use stack::{Dns, Handle, Options, Signal, WORKERS};
use tokio::time::{Instant, sleep};

use crate::world::{PATIENCE, domain, organization};

const NEWER: &str = "the schema is newer than this program, which still works with it";

fn processes() -> Vec<String> {
    let mut all = vec!["broker-api".to_owned()];
    all.extend(
        WORKERS
            .iter()
            .flat_map(|worker| [format!("{worker}-1"), format!("{worker}-2")]),
    );
    all
}

/// Asks again while there is no answer, as Cloud Controller does while the broker restarts.
async fn insist(ask: impl AsyncFn() -> anyhow::Result<Answer>) -> anyhow::Result<Answer> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match ask().await {
            Ok(answer) if answer.status < 500 => return Ok(answer),
            Ok(answer) => ensure!(Instant::now() < deadline, "{} {}", answer.status, answer.text),
            Err(error) if Instant::now() > deadline => return Err(error),
            Err(_) => {}
        }
        sleep(Duration::from_millis(200)).await;
    }
}

async fn poll(platform: &Platform, id: &str, wanted: impl Fn(&Answer) -> bool) -> anyhow::Result<Answer> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let answer = insist(async || platform.last_operation(id).await).await?;
        if wanted(&answer) {
            return Ok(answer);
        }
        ensure!(
            answer.state() == "in progress",
            "{id}: {} {}",
            answer.status,
            answer.text
        );
        ensure!(Instant::now() < deadline, "{id} is late: {}", answer.text);
        sleep(Duration::from_millis(100)).await;
    }
}

/// Instances, and whether they were deleted again.
type Done = HashMap<String, bool>;

/// Whether customers go on, and how many instances they have finished.
#[derive(Default)]
struct Work {
    stop: AtomicBool,
    done: AtomicUsize,
}

impl Work {
    /// Waits until so many are finished.
    async fn goes_on(&self, until: usize) -> anyhow::Result<()> {
        let deadline = Instant::now() + PATIENCE;
        while self.done.load(Ordering::Relaxed) < until {
            ensure!(Instant::now() < deadline, "work goes on: {:?}", self.done);
            sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }
}

/// Creates and deletes until it is told to stop; every third instance stays.
async fn customer(platform: &Platform, dns: &Dns, work: &Work) -> anyhow::Result<Done> {
    let organization = organization();
    let mut done = Done::new();
    let mut round = 0;
    while !work.stop.load(Ordering::Relaxed) {
        let id = uuid::Uuid::new_v4().to_string();
        let domains: Vec<String> = (0..=round % 2).map(|i| domain(&format!("upgrade-{i}"))).collect();
        let parameters = json!({"domains": domains});
        let answer = insist(async || platform.provision(&id, &organization, parameters.clone()).await).await?;
        ensure!(answer.status == 202, "{} {}", answer.status, answer.text);
        let told = poll(platform, &id, |answer| {
            status::persist_value(answer.description()).is_some()
        })
        .await?;
        let value = status::persist_value(told.description()).context("a value to set")?;
        for domain in &domains {
            dns.set_txt(&format!("_validation-persist.{domain}"), &value).await?;
        }
        poll(platform, &id, |answer| answer.state() == "succeeded").await?;
        let delete = round % 3 != 2;
        if delete {
            let answer = insist(async || platform.deprovision(&id).await).await?;
            ensure!(answer.status == 202, "{} {}", answer.status, answer.text);
            poll(platform, &id, |answer| answer.state() == "succeeded").await?;
        }
        done.insert(id, delete);
        work.done.fetch_add(1, Ordering::Relaxed);
        round += 1;
    }
    Ok(done)
}

async fn ready(handle: &Handle, process: &str) -> Option<u16> {
    let url = handle.endpoints().process(process)?.health_url.clone()?;
    let answer = reqwest::get(format!("{url}/readyz")).await.ok()?;
    Some(answer.status().as_u16())
}

fn log(handle: &Handle, process: &str) -> anyhow::Result<String> {
    let process = handle.endpoints().process(process).context("a process")?;
    Ok(std::fs::read_to_string(&process.log)?)
}

async fn parked(handle: &Handle) -> anyhow::Result<u32> {
    let connection = Connection::connect(&handle.endpoints().amqp_url, ConnectionProperties::default()).await?;
    let channel = connection.create_channel().await?;
    let passive = QueueDeclareOptions {
        passive: true,
        ..QueueDeclareOptions::default()
    };
    let queue = channel
        .queue_declare("cdn-broker.parking".into(), passive, Default::default())
        .await?;
    let count = queue.message_count();
    connection.close(200, "done".into()).await?;
    Ok(count)
}

/// Restarts every process, has a newer program migrate, and restarts every process once more. Instances are finished before,
/// between and after.
async fn roll(handle: &Handle, work: &Work) -> anyhow::Result<()> {
    for process in processes() {
        handle.restart(&process).await?;
    }
    work.goes_on(3).await?;
    handle
        .endpoints()
        .database()
        .await?
        .batch_execute(
            "begin; alter table steps add column from_a_newer_program text not null default 'unknown'; \
             insert into schema_migrations (version, works_with) values (99, 1); commit",
        )
        .await?;
    for process in processes() {
        handle.restart(&process).await?;
        // broker-api answers before it has looked at the schema.
        let deadline = Instant::now() + PATIENCE;
        while log(handle, &process)?.matches(NEWER).count() == 0 && Instant::now() < deadline {
            sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(
            log(handle, &process)?.matches(NEWER).count(),
            1,
            "{process} says it once"
        );
    }
    work.goes_on(work.done.load(Ordering::Relaxed) + 3).await?;
    work.stop.store(true, Ordering::Relaxed);
    Ok(())
}

#[tokio::test]
async fn every_process_is_replaced_while_work_goes_on() -> anyhow::Result<()> {
    let options = WORKERS
        .iter()
        .fold(Options::fast(), |options, worker| options.with_replicas(worker, 2));
    let handle = Handle::start(options).await?;
    let e = handle.endpoints();
    let platform = Platform::new(&e.broker_url, &e.broker_username, &e.broker_password)?;
    let (dns, work) = (handle.dns()?, Work::default());
    let customer = || customer(&platform, &dns, &work);
    let (first, second, third, ()) = tokio::try_join!(customer(), customer(), customer(), roll(&handle, &work))?;
    done_once(&handle, &first.into_iter().chain(second).chain(third).collect()).await?;

    // Now old programs are too old: those that run are not ready, and one that starts says why and ends.
    e.database()
        .await?
        .execute("update schema_migrations set works_with = 99 where version = 99", &[])
        .await?;
    handle.kill("distribution-1", Signal::Term).await?;
    handle.begin_again("distribution-1").await?;
    let refusal = "the database's schema is version 99, this program knows ";
    let deadline = Instant::now() + PATIENCE;
    loop {
        let ended = handle
            .endpoints_now()
            .await?
            .process("distribution-1")
            .is_some_and(|p| p.pid.is_none());
        if ended {
            break;
        }
        ensure!(
            Instant::now() < deadline,
            "it continues: {}",
            log(&handle, "distribution-1")?
        );
        sleep(Duration::from_millis(100)).await;
    }
    let said = log(&handle, "distribution-1")?;
    let lines: Vec<&str> = said.lines().filter(|line| line.contains(refusal)).collect();
    assert_eq!(lines.len(), 1, "{said}");
    assert!(lines[0].contains(": upgrade this program"), "{}", lines[0]);
    for running in ["broker-api", "distribution-2", "certificate-issuer-1"] {
        while ready(&handle, running).await != Some(503) {
            ensure!(Instant::now() < deadline, "{running} is ready");
            sleep(Duration::from_millis(100)).await;
        }
    }
    Ok(())
}

/// Every operation succeeded, with each outside effect once.
async fn done_once(handle: &Handle, done: &Done) -> anyhow::Result<()> {
    let e = handle.endpoints();
    assert!(done.len() >= 6, "work went on: {}", done.len());
    let sql = e.database().await?;
    let rows = sql
        .query(
            "select instance_id, count(*), count(*) filter (where state = 'succeeded') from operations group by 1",
            &[],
        )
        .await?;
    assert_eq!(rows.len(), done.len());
    for row in rows {
        let id: String = row.get(0);
        let wanted = if done[&id] { 2_i64 } else { 1 };
        assert_eq!((row.get(1), row.get(2)), (wanted, wanted), "{id}");
    }
    let history: Value = reqwest::get(format!("{}/history", e.aws_admin_url))
        .await?
        .json()
        .await?;
    let made = history["distributions"].as_array().context("distributions")?;
    assert_eq!(made.len(), done.len(), "one each");
    for (id, deleted) in done {
        let theirs: Vec<_> = made.iter().filter(|d| d["caller_reference"] == id.as_str()).collect();
        assert_eq!(theirs.len(), 1, "{id}");
        assert_eq!(!theirs[0]["deleted"].is_null(), *deleted, "{id}");
    }
    let certificates = history["certificates"].as_array().context("certificates")?;
    assert_eq!(certificates.len(), done.len(), "one each");
    assert_eq!(parked(handle).await?, 0);
    Ok(())
}
