//! cdnctl looks at an instance from outside: what is well is in its table, what is not has a sentence that says what to do.
//! What it reads and does inside is in the modules below.

mod act;
mod audit;
mod drift;
mod live_check;
mod look;
mod notices;
mod parked;

use std::path::Path;
use std::process::{Output, Stdio};

use anyhow::Context as _;
use serde_json::Value;
use stack::{DELAY_QUEUES_MS, Handle};
use tokio::process::Command;
use tokio::time::timeout;

use crate::vantage::View;
use crate::world::{Instance, PATIENCE, World, domain, organization, world};

/// What cdnctl said.
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) text: String,
    pub(crate) errors: String,
}

impl Said {
    /// The words of the one line that begins so.
    fn line(&self, begin: &str) -> &str {
        let mut found = self.text.lines().filter(|line| line.starts_with(begin));
        let line = found.next().unwrap_or_else(|| panic!("no {begin:?} in\n{}", self.text));
        assert!(found.next().is_none(), "{begin:?} twice in\n{}", self.text);
        line
    }

    /// The cells of that line.
    fn cells(&self, begin: &str) -> Vec<&str> {
        let cells = self.line(begin).split("  ").map(str::trim);
        cells.filter(|cell| !cell.is_empty()).collect()
    }

    pub(crate) fn json(&self) -> anyhow::Result<Value> {
        serde_json::from_str(&self.text).with_context(|| self.text.clone())
    }
}

/// Runs it with nothing in its environment but the database.
pub(crate) async fn cdnctl(database: &str, args: &[&str]) -> anyhow::Result<Said> {
    run(database, &[], args).await
}

/// The program with nothing but the database in its environment.
fn command(database: &str) -> anyhow::Result<Command> {
    let mut command = Command::new(stack::program("cdnctl")?);
    command.env_clear().env("DATABASE_URL", database).stdin(Stdio::null());
    Ok(command)
}

/// Runs it with the database and this in its environment.
async fn run(database: &str, environment: &[(&str, &str)], args: &[&str]) -> anyhow::Result<Said> {
    let run = command(database)?.args(args).envs(environment.iter().copied()).output();
    let Output { status, stdout, stderr } = timeout(PATIENCE, run).await??;
    let (text, errors) = (String::from_utf8(stdout)?, String::from_utf8(stderr)?);
    println!("$ cdnctl {}\n{text}{errors}", args.join(" "));
    if let Some(password) = database.split([':', '@']).nth(2) {
        assert!(
            !text.contains(password) && !errors.contains(password),
            "the password is in it"
        );
    }
    Ok(Said {
        code: status.code(),
        text,
        errors,
    })
}

/// The same, with the settings that an operator of the stack has.
pub(crate) async fn operate(handle: &Handle, args: &[&str]) -> anyhow::Result<Said> {
    let e = handle.endpoints();
    let environment = [
        ("AMQP_URL", e.amqp_url.as_str()),
        ("DELAY_QUEUES_MS", DELAY_QUEUES_MS),
        ("PAGES_URL", e.broker_url.as_str()),
        ("PAGE_KEYS", e.page_keys.as_str()),
    ];
    run(&e.database_url, &environment, args).await
}

/// The same, with the service distribution's credentials.
pub(crate) async fn operate_aws(handle: &Handle, args: &[&str]) -> anyhow::Result<Said> {
    let e = handle.endpoints();
    let key = e.aws_keys.get("distribution").context("a key")?;
    let environment = [
        ("AWS_ACCESS_KEY_ID", key.id.as_str()),
        ("AWS_SECRET_ACCESS_KEY", key.secret.as_str()),
        ("AWS_ENDPOINT_URL_CLOUDFRONT", e.aws_api_url.as_str()),
    ];
    run(&e.database_url, &environment, args).await
}

async fn probe(id: &str, database: &str, more: &[&str]) -> anyhow::Result<Said> {
    cdnctl(database, &[&["probe", id], more].concat()).await
}

/// Looks at an instance of the shared stack, as the verifiers see DNS.
pub(crate) async fn look(world: &World, instance: &Instance, roots: &Path, more: &[&str]) -> anyhow::Result<Said> {
    let e = world.handle.endpoints();
    let (resolver, edge) = (world.vantage.address().to_string(), e.edge_https.to_string());
    let roots = roots.to_str().context("a path")?;
    let mut all = vec!["--resolver", &resolver, "--connect", &edge, "--ca-roots", roots];
    all.extend(more);
    probe(&instance.id, &e.database_url, &all).await
}

#[tokio::test]
async fn what_is_served_is_told_and_what_is_not_with_what_to_do() -> anyhow::Result<()> {
    let world = world().await;
    let e = world.handle.endpoints();
    let (www, apex) = (domain("www"), domain("apex"));
    let instance = world.created(&organization(), &[www.clone(), apex.clone()]).await?;
    let row = world
        .sql()
        .await?
        .query_one(
            "select distribution_domain from instances where id = $1",
            &[&instance.id],
        )
        .await?;
    let distribution: String = row.get(0);
    // The other one has the edge's address, as an ALIAS would.
    world.dns.set_cname(&www, &distribution).await?;
    let root = e.pebble_root_pem.as_path();

    let said = look(world, &instance, root, &["--echo", "/headers"]).await?;
    assert_eq!(said.code, Some(0), "{}", said.text);
    let headings: Vec<&str> = said
        .line("DOMAIN ")
        .split("  ")
        .filter(|cell| !cell.is_empty())
        .collect();
    assert_eq!(headings.len(), 12, "{headings:?}");
    let led = format!("CNAME → {distribution}");
    for (domain, dns) in [(&www, led.as_str()), (&apex, "same addresses")] {
        let line = said.line(domain);
        let cells: Vec<&str> = line
            .split("  ")
            .map(str::trim)
            .filter(|cell| !cell.is_empty())
            .collect();
        assert_eq!(cells[..4], [domain, dns, "set", "1.3 verified"], "{line}");
        assert!(cells[4].contains("Pebble"), "{line}");
        assert_eq!((cells[5], cells[7]), ("0 d", "yes"), "{line}");
        assert_eq!(cells[8..], ["200", "hit", domain, "127.0.0.1"], "{line}");
        assert!(said.line(&format!("ok    {domain}")).ends_with("is served"));
    }

    let json = look(world, &instance, root, &["--json"]).await?;
    let json: Value = serde_json::from_str(&json.text)?;
    assert_eq!(
        (&json["ok"], &json["distribution"]),
        (&true.into(), &distribution.as_str().into())
    );
    let found = json["domains"].as_array().context("domains")?;
    let serials: Vec<&Value> = found.iter().map(|domain| &domain["certificate"]["serial"]).collect();
    assert!(
        serials.len() == 2 && serials[0] == serials[1] && serials[0].is_string(),
        "{json}"
    );
    assert_eq!(found[0]["host"]["state"], "not-asked");

    what_is_wrong_has_what_to_do(world, &instance, &www, &apex, &distribution).await?;

    let stranger = look(world, &instance, &e.acme_ca_pem, &[]).await?;
    assert_eq!(stranger.code, Some(1));
    assert!(stranger.line(&www).contains("unknown issuer"), "{}", stranger.text);
    assert!(stranger.line(&format!("FAIL  {www}")).contains("--ca-roots"));

    world.delete(&instance).await?;
    let removed = look(world, &instance, root, &[]).await?;
    assert_eq!(removed.code, Some(2), "{}", removed.text);
    assert!(removed.errors.contains("was removed at"), "{}", removed.errors);
    Ok(())
}

async fn what_is_wrong_has_what_to_do(
    world: &World,
    instance: &Instance,
    www: &str,
    apex: &str,
    distribution: &str,
) -> anyhow::Result<()> {
    let root = &world.handle.endpoints().pebble_root_pem;
    let record = |domain: &str| format!("name {domain}, value {distribution}");
    world.dns.set_cname(www, "another.cloudfront.net").await?;
    let said = look(world, instance, root, &[]).await?;
    assert_eq!(said.code, Some(1), "{}", said.text);
    assert!(
        said.line(www).contains("elsewhere: CNAME → another.cloudfront.net"),
        "{}",
        said.text
    );
    let told = said.line(&format!("FAIL  {www}"));
    assert!(
        told.contains("change the CNAME record") && told.contains(&record(www)),
        "{told}"
    );
    said.line(&format!("ok    {apex}"));
    world.dns.set_cname(www, distribution).await?;

    world.dns.add_a(apex, &["127.0.0.9"]).await?;
    world.vantage.show(www, View::NoSuchName);
    let said = look(world, instance, root, &[]).await?;
    assert_eq!(said.code, Some(1), "{}", said.text);
    assert!(said.line(apex).contains("elsewhere: 127.0.0.9"), "{}", said.text);
    let told = said.line(&format!("FAIL  {apex}"));
    assert!(
        told.contains("replace its A and AAAA") && told.contains(&record(apex)),
        "{told}"
    );
    assert!(said.line(www).contains("does not exist"), "{}", said.text);
    let told = said.line(&format!("FAIL  {www}"));
    assert!(
        told.contains("add a CNAME record") && told.contains(&record(www)),
        "{told}"
    );
    world.vantage.clear(www);
    world.dns.clear_a(apex).await?;

    let said = look(world, instance, root, &["--path", "/other?x=1"]).await?;
    assert_eq!(said.code, Some(0), "{}", said.text);
    Ok(())
}

#[tokio::test]
async fn what_cannot_be_looked_at_is_another_exit_code() -> anyhow::Result<()> {
    let e = world().await.handle.endpoints();
    let unknown = probe("no-such-instance", &e.database_url, &[]).await?;
    assert_eq!((unknown.code, unknown.text.as_str()), (Some(2), ""));
    for words in ["no instance \"no-such-instance\"", "--guid", "DATABASE_URL"] {
        assert!(unknown.errors.contains(words), "{}", unknown.errors);
    }
    let closed = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let away = format!("postgres://somebody:hunter2-secret@{closed}/nothing");
    let away = probe("no-such-instance", &away, &[]).await?;
    assert_eq!(away.code, Some(2));
    assert!(away.errors.contains("the database can't be queried"), "{}", away.errors);
    assert_eq!(probe("x", "", &[]).await?.code, Some(2));
    Ok(())
}
