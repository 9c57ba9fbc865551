//! Certificates are renewed by themselves: no platform sees it, nothing is interrupted, and whatever a user asks for goes
//! first.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use customer::status;
use serde_json::json;
use stack::{Http, Options};

use crate::scrape::Scrape;
use crate::world::{Instance, PATIENCE, World, domain, organization, until};

/// A certificate is due as soon as it is attached, whatever the CA suggests.
fn always_due() -> Options {
    Options::fast()
        .with_env("certificate-issuer", "RENEWAL_INFO_INTERVAL", "0s")
        .with_env("certificate-issuer", "RENEWAL_INTERVAL", "500ms")
        .with_env("certificate-issuer", "RENEW_AFTER", "0%")
        .with_env("certificate-issuer", "RENEW_SPREAD", "0%")
        .with_env("certificate-issuer", "HISTORY_INTERVAL", "300ms")
}

/// Renewals of an instance, by state.
async fn renewals(world: &World, instance: &Instance, state: &str) -> anyhow::Result<i64> {
    let row = world
        .sql()
        .await?
        .query_one(
            "select count(*) from operations where instance_id = $1 and kind = 'renew' and state = $2",
            &[&instance.id, &state],
        )
        .await?;
    Ok(row.get(0))
}

#[tokio::test]
async fn certificates_are_renewed_unseen_and_without_interruption() -> anyhow::Result<()> {
    let world = World::own(always_due()).await?;
    let instance = world.created(&organization(), &[domain("forever")]).await?;
    let mut seen = vec![world.serial(&instance).await?];
    let mut visits = 0;
    // Each look is a visit that has to be served.
    until("three more certificates are served", async || {
        visits += 1;
        let now = world.serial(&instance).await?;
        if !seen.contains(&now) {
            seen.push(now);
        }
        let answer = world.platform.last_operation(&instance.id).await?;
        ensure!(answer.state() == "succeeded", "{}", answer.text);
        ensure!(answer.description().contains("is ready"), "{}", answer.text);
        Ok(seen.len() >= 4)
    })
    .await?;
    assert!(visits > 20, "{visits} visits");
    let fetched = world
        .platform
        .call(
            reqwest::Method::GET,
            &format!("/v2/service_instances/{}", instance.id),
            None,
        )
        .await?;
    assert_eq!(fetched.status, 200, "{}", fetched.text);

    // An update is taken at any moment, and is what the platform sees.
    let answer = world.platform.update(&instance.id, json!({"path": "/renewed"})).await?;
    assert_eq!(answer.status, 202, "{}", answer.text);
    let answer = world.platform.succeeded(&instance.id, PATIENCE).await?;
    assert!(answer.description().starts_with("Updated."), "{}", answer.text);

    // Every order came to a certificate, but for one that may be at work; and IAM has the one in use and the next at most.
    let sql = world.sql().await?;
    let row = sql
        .query_one(
            "select (select count(*) from orders where url is not null), (select count(*) from certificates), \
             (select count(*) from certificates where retired_at is null)",
            &[],
        )
        .await?;
    let (orders, certificates, kept): (i64, i64, i64) = (row.get(0), row.get(1), row.get(2));
    assert!(
        orders - certificates <= 1,
        "{orders} orders, {certificates} certificates"
    );
    assert!(kept <= 3, "{kept} certificates are not retired");
    assert_eq!(renewals(&world, &instance, "failed").await?, 0);
    what_ended_long_ago_is_forgotten(&world, &instance).await?;
    world.delete(&instance).await?;
    let state = world.aws().await?;
    assert_eq!(state["certificates"].as_array().map(Vec::len), Some(0), "{state}");
    Ok(())
}

async fn what_ended_long_ago_is_forgotten(world: &World, instance: &Instance) -> anyhow::Result<()> {
    let sql = world.sql().await?;
    let mut aged = 0;
    for statement in [
        "update certificates set not_after = not_after - interval '1 year', created_at = created_at - interval '1 year' \
         where retired_at is not null",
        "update orders r set created_at = r.created_at - interval '1 year', \
         expires_at = r.expires_at - interval '1 year' \
         from operations o where o.id = r.operation_id and o.ended_at is not null",
        "update operations set ended_at = ended_at - interval '1 year', created_at = created_at - interval '1 year' \
         where ended_at is not null",
    ] {
        aged = i64::try_from(sql.execute(statement, &[]).await?)?;
        ensure!(aged > 1, "{statement}");
    }
    // Operations of last year, those of them that nobody has looked at since, and what the platform asks about.
    let left = async || -> anyhow::Result<(i64, i64, i64)> {
        let query = "select count(*), count(*) filter (where kept_at is null), count(*) filter (where kind = 'update') \
                     from operations where ended_at < now() - interval '90 days'";
        let row = sql.query_one(query, &[]).await?;
        Ok((row.get(0), row.get(1), row.get(2)))
    };
    until(
        "last year's operations are looked at",
        async || Ok(left().await?.1 == 0),
    )
    .await?;
    let (left, _, updates) = left().await?;
    // Others have the certificate in use, or the domain's newest proof.
    assert!(left < aged, "none of {aged} is gone");
    assert_eq!(updates, 1);
    world.serial(instance).await.map(drop)
}

#[tokio::test]
async fn an_update_takes_over_what_a_renewal_has_got_from_the_ca() -> anyhow::Result<()> {
    // Each order has to be proved anew.
    let mut options = always_due();
    options.pebble_env.insert("PEBBLE_AUTHZREUSE".into(), "0".into());
    let world = World::own(options).await?;
    let name = domain("takeover");
    let instance = world.create(std::slice::from_ref(&name)).await?;
    let told = world.told(&instance).await?;
    let value = status::persist_value(&told).context("a set-once record")?;
    let record = format!("_validation-persist.{name}");
    world.dns.set_txt(&record, &value).await?;
    world.platform.succeeded(&instance.id, PATIENCE).await?;
    // Else it is proved by HTTP, through the edge.
    world.dns.add_a(&name, &[&world.origin()]).await?;
    world.dns.clear_txt(&record).await?;
    until("a renewal waits for the record", async || {
        let row = world
            .sql()
            .await?
            .query_one(
                "select count(*) from steps s join operations o on o.id = s.operation_id where o.instance_id = $1 \
                 and o.kind = 'renew' and o.state = 'running' and s.kind = 'verify-challenge' and s.state = 'waiting' \
                 and s.attempt > 1",
                &[&instance.id],
            )
            .await?;
        Ok(row.get::<_, i64>(0) == 1)
    })
    .await?;
    // The certificate in use is untouched, and the platform hears nothing of it.
    let serving = world.serial(&instance).await?;
    assert_eq!(world.platform.last_operation(&instance.id).await?.state(), "succeeded");
    let orders = world.orders(&instance).await?;
    // After an hour (here: as if) whoever looks at the instance reads what is wrong and what to set.
    let path = format!("/v2/service_instances/{}", instance.id);
    let fetched = world.platform.call(reqwest::Method::GET, &path, None).await?;
    assert!(!fetched.text.contains("renewal_problem"), "{}", fetched.text);
    let sql = world.sql().await?;
    for aged in [
        "update certificates set attached_at = attached_at - interval '3 hours'",
        "update operations set created_at = created_at - interval '2 hours' where kind = 'renew' and state = 'running'",
    ] {
        sql.execute(aged, &[]).await?;
    }
    let fetched = world.platform.call(reqwest::Method::GET, &path, None).await?;
    let problem = fetched.body["parameters"]["renewal_problem"]
        .as_str()
        .unwrap_or_default();
    for part in ["can't be renewed", "valid until", &record, &value] {
        assert!(problem.contains(part), "{part}: {}", fetched.text);
    }
    Scrape::until(&world.handle, "the metric tells", |scrape| {
        scrape.sum("renewals_in_trouble", &[]) >= 1.0
    })
    .await?;

    let answer = world
        .platform
        .update(&instance.id, json!({"path": "/taken", "timestamp": "now"}))
        .await?;
    assert_eq!(answer.status, 202, "{}", answer.text);
    assert_eq!(renewals(&world, &instance, "superseded").await?, 1);
    let told = world.told(&instance).await?;
    assert!(
        told.contains("Until then the service keeps working unchanged"),
        "{told}"
    );
    assert_eq!(world.serial(&instance).await?, serving);
    world.dns.set_txt(&record, &value).await?;
    world.platform.succeeded(&instance.id, PATIENCE).await?;
    assert_ne!(world.serial(&instance).await?, serving);
    let row = world
        .sql()
        .await?
        .query_one(
            "select count(*) from orders r join operations o on o.id = r.operation_id where o.instance_id = $1 and o.kind = 'update' \
             and r.round = 1",
            &[&instance.id],
        )
        .await?;
    assert_eq!(row.get::<_, i64>(0), 1, "the renewal's order is the update's");
    let superseded = world
        .sql()
        .await?
        .query_one(
            "select count(*) from orders r join operations o on o.id = r.operation_id where o.instance_id = $1 and o.state = 'superseded'",
            &[&instance.id],
        )
        .await?;
    assert_eq!(superseded.get::<_, i64>(0), 0, "none of {orders} orders is left over");
    world.delete(&instance).await
}

/// What the CA answers when it is asked about the certificate in use.
async fn suggest(world: &World, instance: &Instance, start: &str, end: &str) -> anyhow::Result<()> {
    let chain: String = world
        .sql()
        .await?
        .query_one(
            "select chain_pem from certificates_in_use where instance_id = $1",
            &[&instance.id],
        )
        .await?
        .get(0);
    let leaf = chain
        .split_inclusive("-----END CERTIFICATE-----")
        .next()
        .context("a certificate")?;
    let said =
        json!({"suggestedWindow": {"start": start, "end": end}, "explanationURL": "https://ca.example/incident"});
    let e = world.handle.endpoints();
    let url = format!("{}/set-renewal-info/", e.pebble_management_url);
    let body = json!({"certificate": leaf, "ariResponse": said.to_string()});
    Http::trusting(&e.acme_ca_pem)?.post_json(&url, &body).await?;
    Ok(())
}

/// Hours from the certificate's issuance to when it is to be renewed.
async fn due_after(world: &World, instance: &Instance) -> anyhow::Result<Option<f64>> {
    let row = world
        .sql()
        .await?
        .query_one(
            "select (extract(epoch from renew_at - not_before) / 3600)::float8 from certificates_in_use \
             where instance_id = $1 and renewal_info_due is not null",
            &[&instance.id],
        )
        .await;
    Ok(row.ok().and_then(|row| row.get(0)))
}

#[tokio::test]
async fn the_ca_is_asked_when_it_would_like_a_renewal_and_told_what_is_replaced() -> anyhow::Result<()> {
    let options = Options::fast()
        .with_certificates_of(Duration::from_secs(90 * 86_400))
        .with_env("certificate-issuer", "RENEWAL_INTERVAL", "200ms")
        .with_env("certificate-issuer", "RENEWAL_INFO_INTERVAL", "400ms")
        .with_env("certificate-issuer", "RENEWAL_REST", "0s");
    let world = World::own(options).await?;
    let instance = world.created(&organization(), &[domain("ari")]).await?;
    // Pebble suggests the day before and the day after two thirds of 90 days.
    until("the window is read", async || {
        Ok(due_after(&world, &instance).await?.is_some_and(|hours| hours > 1.0))
    })
    .await?;
    let hours = due_after(&world, &instance).await?.context("known")?;
    assert!((59.0 * 24.0..=61.0 * 24.0 + 1.0).contains(&hours), "{hours} h");
    let first = world.serial(&instance).await?;
    assert_eq!(world.orders(&instance).await?, 1);

    // Another window is heard of, …
    suggest(&world, &instance, "2099-01-01T00:00:00Z", "2099-01-02T00:00:00Z").await?;
    until("not even the CA puts it off to the end", async || {
        Ok(due_after(&world, &instance)
            .await?
            .is_some_and(|hours| (hours - 67.5 * 24.0).abs() < 1.0))
    })
    .await?;
    assert_eq!(world.serial(&instance).await?, first);
    // … and one that is past means now.
    suggest(&world, &instance, "2020-01-01T00:00:00Z", "2020-01-02T00:00:00Z").await?;
    until("another certificate is served", async || {
        Ok(world.serial(&instance).await? != first)
    })
    .await?;
    until("the renewal is over", async || {
        Ok(renewals(&world, &instance, "succeeded").await? == 1)
    })
    .await?;
    assert_eq!(world.orders(&instance).await?, 2, "one order, and one for the renewal");
    let log = &world
        .handle
        .endpoints()
        .process("certificate-issuer-1")
        .context("its log")?
        .log;
    let told = std::fs::read_to_string(log)?;
    assert_eq!(told.matches("the order replaces a certificate").count(), 1);

    // An order that was placed and could not be written down has replaced the certificate already: another is placed without.
    let second = world.serial(&instance).await?;
    let sql = world.sql().await?;
    sql.execute(
        "update certificates set renewal_info_due = null, chain_pem = (select o.chain_pem from certificates o \
         where o.retired_at is not null) where retired_at is null",
        &[],
    )
    .await?;
    until("a third certificate is served", async || {
        Ok(world.serial(&instance).await? != second)
    })
    .await?;
    assert_eq!(world.orders(&instance).await?, 3);
    let told = std::fs::read_to_string(log)?;
    assert!(
        told.contains("the CA doesn't let the certificate be replaced"),
        "{told}"
    );

    // Nor does a CA that doesn't know who issued the certificate in use refuse another.
    until("the second renewal is over", async || {
        Ok(renewals(&world, &instance, "succeeded").await? == 2)
    })
    .await?;
    let third = world.serial(&instance).await?;
    let folder = &world.handle.endpoints().folder;
    let unknown = std::fs::read_to_string(folder.join("pebble-intermediate.pem"))?;
    sql.execute(
        "update certificates set chain_pem = $1, renew_at = now() where retired_at is null",
        &[&unknown],
    )
    .await?;
    until("a fourth certificate is served", async || {
        Ok(world.serial(&instance).await? != third)
    })
    .await?;
    world.delete(&instance).await
}
