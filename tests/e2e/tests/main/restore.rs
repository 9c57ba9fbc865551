//! A backup is a dump of PostgreSQL. What it knows goes on by itself after it is restored; what it doesn't know is left
//! alone, and told.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use customer::{Browser, Platform, status};
use serde_json::{Value, json};
use stack::{Dns, Endpoints, Handle, Options, Signal};
use tokio::time::{Instant, sleep};

use crate::world::{PATIENCE, connect, domain, organization};

const SERVICES: [&str; 5] = [
    "broker-api",
    "distribution-1",
    "challenge-verifier-1",
    "certificate-issuer-1",
    "cert-installer-1",
];

struct Site<'a> {
    endpoints: &'a Endpoints,
    platform: Platform,
    dns: Dns,
    organization: String,
}

impl Site<'_> {
    /// Asks for an instance of one domain, and waits until it is told what to set.
    async fn create(&self, id: &str) -> anyhow::Result<(String, String)> {
        let domain = domain(id);
        let parameters = json!({"domains": [domain]});
        let answer = self.platform.provision(id, &self.organization, parameters).await?;
        ensure!(answer.status == 202, "{id}: {} {}", answer.status, answer.text);
        let told = |answer: &customer::Answer| status::persist_value(answer.description()).is_some();
        let answer = self.platform.poll(id, PATIENCE, "what to set", told).await?;
        let value = status::persist_value(answer.description()).context("a value to set")?;
        Ok((domain, value))
    }

    async fn prove(&self, id: &str, (domain, value): &(String, String)) -> anyhow::Result<()> {
        self.dns
            .set_txt(&format!("_validation-persist.{domain}"), value)
            .await?;
        self.platform.succeeded(id, PATIENCE).await?;
        self.serves(domain).await
    }

    async fn serves(&self, domain: &str) -> anyhow::Result<()> {
        let e = self.endpoints;
        let browser = Browser::new(&e.pebble_root_pem, e.edge_http, e.edge_https)?;
        let visit = browser.https(domain, "/").await.with_context(|| domain.to_owned())?;
        ensure!(visit.status == 200, "https://{domain} answered {}", visit.status);
        Ok(())
    }

    async fn delete(&self, id: &str) -> anyhow::Result<()> {
        let answer = self.platform.deprovision(id).await?;
        ensure!(answer.status == 202, "{id}: {} {}", answer.status, answer.text);
        self.platform.succeeded(id, PATIENCE).await?;
        Ok(())
    }

    /// Whether AWS has a distribution of that instance.
    async fn is_in_aws(&self, id: &str) -> anyhow::Result<bool> {
        let url = format!("{}/state", self.endpoints.aws_admin_url);
        let state: Value = reqwest::get(url).await?.json().await?;
        let all = state["distributions"].as_array().context("a list")?;
        Ok(all.iter().any(|distribution| distribution["caller_reference"] == id))
    }
}

/// A program of PostgreSQL's client, which Debian keeps out of the path.
fn postgresql(program: &str) -> anyhow::Result<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql")?;
    let found = versions
        .flatten()
        .map(|version| version.path().join("bin").join(program));
    found
        .filter(|path| path.is_file())
        .max()
        .with_context(|| format!("no {program}"))
}

fn run(command: &mut Command) -> anyhow::Result<()> {
    let output = command.output()?;
    let text = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{command:?}: {text}");
    Ok(())
}

/// The commands of docs/operators/backup.md.
fn back_up(database: &str, file: &Path) -> anyhow::Result<()> {
    let mut command = Command::new(postgresql("pg_dump")?);
    run(command
        .args(["--format=custom", "--no-owner", "--file"])
        .arg(file)
        .arg(database))
}

async fn restore(e: &Endpoints, file: &Path) -> anyhow::Result<()> {
    let admin = connect(&e.database_admin_url).await?;
    admin.execute("drop database cdn_broker with (force)", &[]).await?;
    admin
        .execute("create database cdn_broker owner cdn_broker", &[])
        .await?;
    let mut command = Command::new(postgresql("pg_restore")?);
    run(command
        .args(["--no-owner", "--exit-on-error", "--dbname", &e.database_url])
        .arg(file))
}

#[tokio::test]
async fn after_a_dump_is_restored_its_work_goes_on_and_nothing_newer_is_harmed() -> anyhow::Result<()> {
    // What is left without an owner would be removed soon.
    let options = Options::fast().with_env("all", "ORPHAN_GRACE", "1s");
    let handle = Handle::start(options).await?;
    let e = handle.endpoints();
    let site = Site {
        endpoints: e,
        platform: Platform::new(&e.broker_url, &e.broker_username, &e.broker_password)?,
        dns: Dns::new(&e.dns_management_url)?,
        organization: organization(),
    };

    let served = site.create("served").await?;
    site.prove("served", &served).await?;
    let removed = site.create("removed-later").await?;
    site.prove("removed-later", &removed).await?;
    let waiting = site.create("waiting").await?;

    let folder = tempfile::tempdir()?;
    let file = folder.path().join("cdn-broker.dump");
    back_up(&e.database_url, &file)?;

    // The work goes on: all of this the dump does not know.
    site.prove("waiting", &waiting).await?;
    let newer = site.create("newer").await?;
    site.prove("newer", &newer).await?;
    site.delete("removed-later").await?;

    for service in SERVICES {
        handle.kill(service, Signal::Kill).await?;
    }
    restore(e, &file).await?;
    for service in SERVICES {
        handle.start_again(service).await?;
    }

    // What was served is served, and can be worked with.
    site.serves(&served.0).await?;
    site.delete("served").await?;
    ensure!(!site.is_in_aws("served").await?, "removed like any other");
    // What was waiting goes on from there, and ends where it had ended before.
    site.platform.succeeded("waiting", PATIENCE).await?;
    site.serves(&waiting.0).await?;
    // What is newer is unknown to the broker, and left alone: its website is there.
    let answer = site.platform.last_operation("newer").await?;
    ensure!(matches!(answer.status, 404 | 410), "{} {}", answer.status, answer.text);
    told_as_unexplained(&handle).await?;
    site.serves(&newer.0).await?;
    // What was removed since is known again, and can be removed again though AWS has nothing of it.
    ensure!(!site.is_in_aws("removed-later").await?, "removed before");
    site.delete("removed-later").await
}

/// Waits until the reconciler has looked at what it can't explain.
async fn told_as_unexplained(handle: &Handle) -> anyhow::Result<()> {
    let distribution = handle.endpoints().process("distribution-1").context("a process")?;
    let url = format!("{}/metrics", distribution.health_url.as_deref().context("a URL")?);
    let wanted = r#"orphans{kind="distribution",judged="unexplained"} 1"#;
    let deadline = Instant::now() + PATIENCE;
    loop {
        let metrics = reqwest::get(&url).await?.text().await?;
        if metrics.lines().any(|line| line == wanted) {
            return Ok(());
        }
        ensure!(Instant::now() < deadline, "not reported: {metrics}");
        sleep(Duration::from_millis(200)).await;
    }
}
