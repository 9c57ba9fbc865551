//! Renewals that get into trouble: what was issued is used, what is of no use is not tried again, and none keeps another.

use std::time::Duration;

use anyhow::ensure;
use customer::status;
use serde_json::json;
use stack::{Options, Peer, Signal};

use crate::cdnctl::operate;
use crate::world::{Instance, PATIENCE, World, domain, organization, until};

/// Nothing is due by itself.
fn at_a_word() -> Options {
    Options::fast()
        .with_certificates_of(Duration::from_secs(90 * 86_400))
        .with_env("certificate-issuer", "RENEWAL_INFO_INTERVAL", "0s")
        .with_env("certificate-issuer", "RENEWAL_INTERVAL", "300ms")
}

async fn renew(world: &World, instance: &Instance) -> anyhow::Result<()> {
    let said = operate(&world.handle, &["renew", &instance.id]).await?;
    ensure!(said.code == Some(0), "{}{}", said.text, said.errors);
    Ok(())
}

async fn count(world: &World, sql: &str, instance: &Instance) -> anyhow::Result<i64> {
    Ok(world.sql().await?.query_one(sql, &[&instance.id]).await?.get(0))
}

async fn issued(world: &World, instance: &Instance) -> anyhow::Result<i64> {
    count(
        world,
        "select count(*) from certificates where instance_id = $1",
        instance,
    )
    .await
}

#[tokio::test]
async fn a_domain_that_has_left_keeps_no_other_certificate_of_its_tenant() -> anyhow::Result<()> {
    let mut options = at_a_word().with_env("certificate-issuer", "RENEWALS_PER_TENANT", "1");
    options.pebble_env.insert("PEBBLE_AUTHZREUSE".into(), "0".into());
    let world = World::own(options).await?;
    let tenant = organization();
    let left = world.created(&tenant, &[domain("left")]).await?;
    let stays = world.created(&tenant, &[domain("stays")]).await?;
    let name = &left.domains[0];
    world.dns.add_a(name, &[&world.origin()]).await?;
    world.dns.clear_txt(&format!("_validation-persist.{name}")).await?;
    let before = world.serial(&stays).await?;
    let due = "update certificates set renew_at = now()";
    world.sql().await?.execute(due, &[]).await?;
    until("the one that can be renewed is renewed", async || {
        Ok(world.serial(&stays).await? != before)
    })
    .await?;
    let waits = "select count(*) from operations where instance_id = $1 and kind = 'renew' and state = 'running'";
    assert_eq!(count(&world, waits, &left).await?, 1, "the other waits for its domain");
    for instance in [left, stays] {
        world.delete(&instance).await?;
    }
    Ok(())
}

#[tokio::test]
async fn what_was_issued_is_used_though_its_order_has_expired_and_the_ca_is_away() -> anyhow::Result<()> {
    let mut options = at_a_word();
    options.proxies.insert(Peer::Pebble, 0);
    let world = World::own(options).await?;
    let instance = world.created(&organization(), &[domain("issued")]).await?;
    let before = world.serial(&instance).await?;
    world.handle.kill("cert-installer-1", Signal::Stop).await?;
    renew(&world, &instance).await?;
    until("the CA has issued it", async || {
        Ok(issued(&world, &instance).await? == 2)
    })
    .await?;
    let cancel = ["cancel", &instance.id, "--why", "AWS is out of order", "--yes"];
    let said = operate(&world.handle, &cancel).await?;
    assert_eq!(said.code, Some(0), "{}{}", said.text, said.errors);
    let expired = "update orders set expires_at = now() - interval '1 hour'";
    world.sql().await?.execute(expired, &[]).await?;
    world.handle.cut(Peer::Pebble, true).await?;
    world.handle.kill("cert-installer-1", Signal::Cont).await?;
    renew(&world, &instance).await?;
    until("it is served", async || Ok(world.serial(&instance).await? != before)).await?;
    assert_eq!(issued(&world, &instance).await?, 2);
    world.handle.cut(Peer::Pebble, false).await?;
    assert_eq!(world.orders(&instance).await?, 2, "no further order");
    world.delete(&instance).await
}

#[tokio::test]
async fn a_certificate_that_aws_does_not_take_is_not_tried_again() -> anyhow::Result<()> {
    let world = World::own(at_a_word()).await?;
    let instance = world.created(&organization(), &[domain("malformed")]).await?;
    let before = world.serial(&instance).await?;
    let fault = json!({"operation": "iam:UploadServerCertificate", "code": "MalformedCertificate"});
    world.aws_admin("faults", fault).await?;
    renew(&world, &instance).await?;
    let failed = "select count(*) from operations where instance_id = $1 and kind = 'renew' and state = 'failed'";
    until("AWS has refused it", async || {
        Ok(count(&world, failed, &instance).await? == 1)
    })
    .await?;
    assert_eq!(world.serial(&instance).await?, before);
    renew(&world, &instance).await?;
    until("another is served", async || {
        Ok(world.serial(&instance).await? != before)
    })
    .await?;
    assert_eq!(world.orders(&instance).await?, 3);
    world.delete(&instance).await?;
    let state = world.aws().await?;
    assert_eq!(state["certificates"].as_array().map(Vec::len), Some(0), "{state}");
    Ok(())
}

#[tokio::test]
async fn an_update_asks_for_no_certificate_beside_one_that_a_renewal_has_just_brought_into_use() -> anyhow::Result<()> {
    let world = World::own(at_a_word()).await?;
    let instance = world.created(&organization(), &[domain("just-renewed")]).await?;
    let before = world.serial(&instance).await?;
    // It waits for CloudFront then.
    world.handle.kill("distribution-1", Signal::Stop).await?;
    renew(&world, &instance).await?;
    until("it is attached", async || {
        let attached = "select count(*) from certificates where instance_id = $1 and attached_at is not null";
        Ok(count(&world, attached, &instance).await? == 2)
    })
    .await?;
    let answer = world.platform.update(&instance.id, json!({"path": "/new"})).await?;
    assert_eq!(answer.status, 202, "{}", answer.text);
    world.handle.kill("distribution-1", Signal::Cont).await?;
    let answer = world.platform.succeeded(&instance.id, PATIENCE).await?;
    assert!(status::persist_value(answer.description()).is_none(), "{}", answer.text);
    assert_ne!(world.serial(&instance).await?, before);
    assert_eq!(world.orders(&instance).await?, 2, "the renewal's is the last");
    until("the one of before is out of IAM", async || {
        let kept = "select count(*) from certificates where instance_id = $1 and retired_at is null";
        Ok(count(&world, kept, &instance).await? == 1)
    })
    .await?;
    world.delete(&instance).await
}
