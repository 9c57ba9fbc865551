//! Keys that may have leaked: no certificate to come has one of them, and those of before are revoked once nothing serves them.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use serde_json::Value;
use stack::{Http, Options, Signal};

use crate::cdnctl::operate;
use crate::scrape::Scrape;
use crate::world::{Instance, World, domain, organization, until};

async fn own() -> anyhow::Result<World> {
    let options = Options::fast()
        .with_certificates_of(Duration::from_secs(90 * 86_400))
        .with_env("certificate-issuer", "RENEWAL_INTERVAL", "300ms");
    World::own(options).await
}

/// What the CA says of a certificate: its status, and why it was revoked.
async fn standing(world: &World, serial: &str) -> anyhow::Result<(String, Option<u64>)> {
    let e = world.handle.endpoints();
    let serial = serial.replace(':', "").to_lowercase();
    let url = format!(
        "{}/cert-status-by-serial/{}",
        e.pebble_management_url,
        serial.trim_start_matches('0')
    );
    let (status, body) = Http::trusting(&e.acme_ca_pem)?.get(&url).await?;
    ensure!(status.is_success(), "{url} answered {status}");
    let answer: Value = serde_json::from_slice(&body)?;
    let status = answer["Status"].as_str().context("a status")?;
    Ok((status.to_owned(), answer["Reason"].as_u64()))
}

async fn issued(world: &World, instance: &Instance) -> anyhow::Result<i64> {
    let query = "select count(*) from certificates where instance_id = $1";
    Ok(world.sql().await?.query_one(query, &[&instance.id]).await?.get(0))
}

async fn revoked(world: &World, instance: &Instance) -> anyhow::Result<i64> {
    let query = "select count(*) from certificates where instance_id = $1 and revoked_at is not null";
    Ok(world.sql().await?.query_one(query, &[&instance.id]).await?.get(0))
}

#[tokio::test]
async fn keys_that_leaked_make_no_certificate_and_those_of_before_are_revoked() -> anyhow::Result<()> {
    let world = own().await?;
    let instance = world.created(&organization(), &[domain("leaked")]).await?;
    let first = world.serial(&instance).await?;
    // A renewal gets its certificate from the CA, and is given up: the next would go on with what it has got.
    world.handle.kill("cert-installer-1", Signal::Stop).await?;
    assert_eq!(operate(&world.handle, &["renew", &instance.id]).await?.code, Some(0));
    until("the CA has issued it", async || {
        Ok(issued(&world, &instance).await? == 2)
    })
    .await?;
    let said = operate(
        &world.handle,
        &["cancel", &instance.id, "--yes", "--why", "a key leaked"],
    )
    .await?;
    assert_eq!(said.code, Some(0), "{}", said.errors);

    let renew = ["renew", &instance.id, "--new-key", "--revoke"];
    let asked = operate(&world.handle, &renew).await?;
    assert_eq!(
        (asked.code, revoked(&world, &instance).await?),
        (Some(2), 0),
        "{}",
        asked.text
    );
    let said = operate(&world.handle, &[&renew[..], &["--yes"]].concat()).await?;
    assert_eq!(said.code, Some(0), "{}", said.errors);
    until("the CA has issued another", async || {
        Ok(issued(&world, &instance).await? == 3)
    })
    .await?;
    // What serves is not revoked under its visitors.
    assert_eq!(standing(&world, &first).await?, ("Valid".to_owned(), None));
    assert_eq!(world.serial(&instance).await?, first);
    world.handle.kill("cert-installer-1", Signal::Cont).await?;
    until("both previous ones are revoked", async || {
        Ok(revoked(&world, &instance).await? == 2)
    })
    .await?;
    let second = world.serial(&instance).await?;
    assert_ne!(second, first);
    assert_eq!(
        standing(&world, &first).await?,
        ("Revoked".to_owned(), Some(1)),
        "key compromise"
    );
    assert_eq!(standing(&world, &second).await?, ("Valid".to_owned(), None));
    assert_eq!(world.orders(&instance).await?, 3, "the unfinished order is discarded");
    let shown = operate(&world.handle, &["show", &instance.id, "--json"])
        .await?
        .json()?;
    let certificates = shown["certificates"].as_array().context("certificates")?;
    let told: Vec<bool> = certificates.iter().map(|one| one["revoked_at"].is_string()).collect();
    assert_eq!(told, [true, true, false], "{shown}");
    Ok(())
}

#[tokio::test]
async fn what_is_at_work_with_an_older_key_is_renewed_once_more_and_what_the_ca_refuses_is_told() -> anyhow::Result<()>
{
    let world = own().await?;
    let instance = world.created(&organization(), &[domain("at-work")]).await?;
    let first = world.serial(&instance).await?;
    let sql = world.sql().await?;
    let chain: String = sql.query_one("select chain_pem from certificates", &[]).await?.get(0);
    // Something that no CA has issued.
    let foreign = std::fs::read_to_string(&world.handle.endpoints().acme_ca_pem)?;
    sql.execute("update certificates set chain_pem = $1", &[&foreign])
        .await?;

    world.handle.kill("cert-installer-1", Signal::Stop).await?;
    assert_eq!(operate(&world.handle, &["renew", &instance.id]).await?.code, Some(0));
    until("the CA has issued it", async || {
        Ok(issued(&world, &instance).await? == 2)
    })
    .await?;
    let renew = [
        "renew",
        &instance.id,
        "--new-key",
        "--revoke",
        "--reason",
        "superseded",
        "--yes",
    ];
    let said = operate(&world.handle, &renew).await?;
    assert_eq!(said.code, Some(1), "{}", said.text);
    assert!(said.text.contains("the planner renews after it"), "{}", said.text);
    world.handle.kill("cert-installer-1", Signal::Cont).await?;
    until("the one at work is revoked, too", async || {
        Ok(revoked(&world, &instance).await? == 1)
    })
    .await?;
    let query = "select count(*), count(*) filter (where retired_at is null) from certificates where instance_id = $1";
    let row = sql.query_one(query, &[&instance.id]).await?;
    assert_eq!((row.get::<_, i64>(0), row.get::<_, i64>(1)), (3, 1));
    assert_eq!(standing(&world, &world.serial(&instance).await?).await?.0, "Valid");

    // The first is one that the CA can't revoke.
    let said = operate(&world.handle, &["show", &instance.id]).await?;
    assert!(said.text.contains("is not revoked yet: the CA "), "{}", said.text);
    assert_eq!(standing(&world, &first).await?.0, "Valid");
    let doctor = operate(&world.handle, &["doctor"]).await?;
    let told = doctor.text.lines().find(|line| line.contains("revocations"));
    let told = told.context("the doctor looks at revocations")?;
    assert!(
        told.contains("to be revoked: 1; ") && told.contains(&format!("cdnctl show {}", instance.id)),
        "{told}"
    );
    let waiting = |scrape: &Scrape| scrape.sum("certificates_to_revoke", &[]);
    Scrape::until(&world.handle, "one waits", |scrape| waiting(scrape) == 1.0).await?;
    sql.execute(
        "update certificates set chain_pem = $1 where revoke_problem is not null",
        &[&chain],
    )
    .await?;
    // An operator doesn't wait until it is asked for again. What is to be revoked is due, so the planner may be faster.
    let said = operate(&world.handle, &renew).await?;
    assert!(
        said.code == Some(0) || said.text.contains("the planner renews after it"),
        "{}",
        said.text
    );
    until("all previous ones are revoked", async || {
        Ok(revoked(&world, &instance).await? == 3)
    })
    .await?;
    assert_eq!(
        standing(&world, &first).await?,
        ("Revoked".to_owned(), Some(4)),
        "superseded"
    );
    Scrape::until(&world.handle, "none waits", |scrape| waiting(scrape) == 0.0).await?;
    Ok(())
}
