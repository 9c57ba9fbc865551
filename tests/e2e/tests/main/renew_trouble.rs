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

/// Each operation with its end, oldest first.
async fn operations(world: &World, instance: &Instance) -> anyhow::Result<String> {
    let sql = "select string_agg(concat_ws(' ', kind, state, failure, cause), '; ' order by created_at) \
               from operations where instance_id = $1";
    Ok(world.sql().await?.query_one(sql, &[&instance.id]).await?.get(0))
}

#[tokio::test]
async fn a_domain_that_has_left_keeps_no_other_certificate_of_its_tenant() -> anyhow::Result<()> {
    let mut options = at_a_word().with_env("certificate-issuer", "RENEWALS_PER_TENANT", "1");
    options.pebble_env.insert("PEBBLE_AUTHZREUSE".into(), "0".into());
    let world = World::own(options).await?;
    let tenant = organization();
    let kept = domain("kept");
    let left = world.created(&tenant, &[domain("left"), kept.clone()]).await?;
    let stays = world.created(&tenant, &[domain("stays")]).await?;
    let name = &left.domains[0];
    world.dns.add_a(name, &[&world.origin()]).await?;
    world.dns.clear_txt(&format!("_validation-persist.{name}")).await?;
    let before = world.serial(&stays).await?;
    let waits = "select count(*) from operations where instance_id = $1 and kind = 'renew' and state = 'running'";
    for instance in [&left, &stays] {
        let due = "update certificates set renew_at = now() where instance_id = $1";
        world.sql().await?.execute(due, &[&instance.id]).await?;
        until("its renewal has begun", async || {
            Ok(count(&world, waits, instance).await? == 1 || world.serial(&stays).await? != before)
        })
        .await?;
    }
    until("the one that can be renewed is renewed", async || {
        Ok(world.serial(&stays).await? != before)
    })
    .await?;
    let waiting = count(&world, waits, &left).await?;
    let operations = operations(&world, &left).await?;
    assert_eq!(
        waiting, 1,
        "the other waits for its domain; its operations: {operations}"
    );

    // Its user takes it out, or the operator in their name, and waits for nothing.
    let answer = world.platform.update(&left.id, json!({"domains": [kept]})).await?;
    assert_eq!(answer.status, 202, "{}", answer.text);
    world.platform.succeeded(&left.id, PATIENCE).await?;
    until("the rest is renewed", async || {
        Ok(world.visit(&kept).await?.names == [kept.clone()])
    })
    .await?;
    for instance in [left, stays] {
        world.delete(&instance).await?;
    }
    Ok(())
}

/// Its renewal has a certificate from the CA and is cancelled; cert-installer, frozen, has not got it.
async fn issued_and_given_up(world: &World, instance: &Instance) -> anyhow::Result<()> {
    world.handle.kill("cert-installer-1", Signal::Stop).await?;
    renew(world, instance).await?;
    until("the CA has issued it", async || Ok(issued(world, instance).await? == 2)).await?;
    let cancel = ["cancel", &instance.id, "--why", "AWS is out of order", "--yes"];
    let said = operate(&world.handle, &cancel).await?;
    assert_eq!(said.code, Some(0), "{}{}", said.text, said.errors);
    Ok(())
}

#[tokio::test]
async fn what_was_issued_is_used_though_its_order_has_expired_and_the_ca_is_away() -> anyhow::Result<()> {
    let mut options = at_a_word();
    options.proxies.insert(Peer::Pebble, 0);
    let world = World::own(options).await?;
    let instance = world.created(&organization(), &[domain("issued")]).await?;
    let before = world.serial(&instance).await?;
    issued_and_given_up(&world, &instance).await?;
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
async fn what_was_issued_and_is_too_old_by_now_is_given_up() -> anyhow::Result<()> {
    let world = World::own(at_a_word()).await?;
    let instance = world.created(&organization(), &[domain("too-old")]).await?;
    issued_and_given_up(&world, &instance).await?;
    let months_later =
        "update certificates set not_before = now() - interval '80 days', not_after = now() + interval '10 days'";
    world.sql().await?.execute(months_later, &[]).await?;
    renew(&world, &instance).await?;
    let given_up =
        "select count(*) from certificates where instance_id = $1 and retired_at is not null and sealed_key is null";
    assert_eq!(count(&world, given_up, &instance).await?, 1);
    until("another is issued", async || Ok(issued(&world, &instance).await? == 3)).await?;
    world.handle.kill("cert-installer-1", Signal::Cont).await?;
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
    until("the previous one is out of IAM", async || {
        let kept = "select count(*) from certificates where instance_id = $1 and retired_at is null";
        Ok(count(&world, kept, &instance).await? == 1)
    })
    .await?;
    world.delete(&instance).await
}

#[tokio::test]
async fn a_change_of_settings_waits_for_no_domain_and_the_renewal_goes_on_after_it() -> anyhow::Result<()> {
    let mut options = at_a_word();
    options.pebble_env.insert("PEBBLE_AUTHZREUSE".into(), "0".into());
    let world = World::own(options).await?;
    let instance = world.created(&organization(), &[domain("standby")]).await?;
    let name = &instance.domains[0];
    let before = world.serial(&instance).await?;
    world.dns.add_a(name, &[&world.origin()]).await?;
    let record = format!("_validation-persist.{name}");
    world.dns.clear_txt(&record).await?;
    renew(&world, &instance).await?;
    let waits = "select count(*) from steps s join operations o on o.id = s.operation_id where o.instance_id = $1 \
                 and o.kind = 'renew' and o.state = 'running' and s.kind = 'verify-challenge' and s.attempt > 0";
    until("it waits", async || Ok(count(&world, waits, &instance).await? == 1)).await?;

    let answer = world.platform.update(&instance.id, json!({"path": "/standby"})).await?;
    assert_eq!(answer.status, 202, "{}", answer.text);
    let answer = world.platform.succeeded(&instance.id, PATIENCE).await?;
    assert!(answer.description().starts_with("Updated."), "{}", answer.text);
    assert_eq!(world.serial(&instance).await?, before);

    until("it is begun again", async || {
        Ok(count(&world, waits, &instance).await? == 1)
    })
    .await?;
    let answer = world.platform.update(&instance.id, json!({"timestamp": "now"})).await?;
    assert_eq!(answer.status, 202, "{}", answer.text);
    let told = world.told(&instance).await?;
    world.set_persist(&told, name).await?;
    world.platform.succeeded(&instance.id, PATIENCE).await?;
    assert_ne!(
        world.serial(&instance).await?,
        before,
        "who asks for another look waits"
    );
    assert_eq!(world.orders(&instance).await?, 2, "one order for all three");
    world.delete(&instance).await
}

#[tokio::test]
async fn an_update_that_waits_for_a_domain_leaves_time_for_a_renewal() -> anyhow::Result<()> {
    let world = World::own(at_a_word()).await?;
    let instance = world.created(&organization(), &[domain("short-lived")]).await?;
    let of_six_days =
        "update certificates set not_before = now() - interval '4 days', not_after = now() + interval '2 days'";
    world.sql().await?.execute(of_six_days, &[]).await?;
    let domains = [instance.domains[0].clone(), domain("typo")];
    let answer = world
        .platform
        .update(&instance.id, json!({ "domains": domains }))
        .await?;
    assert_eq!(answer.status, 202, "{}", answer.text);
    world.told(&instance).await?;
    let ends = "select (extract(epoch from deadline_at - now()) / 3600)::bigint from operations \
                where instance_id = $1 and kind = 'update'";
    let hours = count(&world, ends, &instance).await?;
    assert!(
        (23..=24).contains(&hours),
        "a sixth of six days before the certificate's end: {hours}"
    );
    world.delete(&instance).await
}
