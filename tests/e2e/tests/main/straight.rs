//! A provision is a straight line: nothing is made in CloudFront before every domain is proved, and then all of it in one call.

use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use customer::status;
use serde_json::{Value, json};
use stack::Options;
use uuid::Uuid;

use crate::world::{Instance, PATIENCE, World, domain, organization, until, world};

/// What was called how often at CloudFront.
async fn calls(world: &World, operation: &str) -> anyhow::Result<u64> {
    let url = format!("{}/counters", world.handle.endpoints().aws_admin_url);
    let counters: Value = reqwest::get(url).await?.json().await?;
    Ok(counters[format!("cloudfront:{operation}")]["calls"]
        .as_u64()
        .unwrap_or(0))
}

/// Calls that create a distribution, and that change one.
async fn written(world: &World) -> anyhow::Result<(u64, u64)> {
    Ok((
        calls(world, "CreateDistributionWithTags").await?,
        calls(world, "UpdateDistribution").await?,
    ))
}

async fn asked(world: &World, parameters: Value) -> anyhow::Result<Instance> {
    let id = Uuid::new_v4().to_string();
    let answer = world
        .platform
        .provision(&id, &organization(), parameters.clone())
        .await?;
    ensure!(answer.status == 202, "{}", answer.text);
    let domains = serde_json::from_value(parameters["domains"].clone())?;
    Ok(Instance { id, domains })
}

/// A new certificate is seen by CloudFront at once, so that its first call succeeds.
fn at_once() -> Options {
    let mut options = Options::fast();
    options.iam_visible_ms = 0;
    options
}

#[tokio::test]
async fn nothing_is_made_for_names_that_nobody_proved_and_what_is_proved_in_one_call() -> anyhow::Result<()> {
    let world = World::own(at_once()).await?;
    let mut unproved = Vec::new();
    for number in 0..5 {
        let name = domain(&format!("unproved-{number}"));
        unproved.push(asked(&world, json!({"domains": [name], "redirect_to": name})).await?);
    }
    let wanted = asked(&world, json!({"domains": [domain("proved"), domain("second")]})).await?;
    for instance in &unproved {
        let told = world.told(instance).await?;
        ensure!(told.contains("made once every domain is proved"), "{told}");
    }
    // One of two is not enough.
    let told = world.told(&wanted).await?;
    world.set_persist(&told, &wanted.domains[0]).await?;
    world.says(&wanted, "Verified, 1 of 2").await?;
    let state = world.aws().await?;
    for kind in ["distributions", "functions", "certificates"] {
        ensure!(
            state[kind].as_array().is_some_and(Vec::is_empty),
            "{kind}: {}",
            state[kind]
        );
    }

    // The doctor has tried what it may do.
    let before = written(&world).await?;
    world.set_persist(&told, &wanted.domains[1]).await?;
    world.platform.succeeded(&wanted.id, PATIENCE).await?;
    world.serves(&wanted).await?;
    let (created, updated) = written(&world).await?;
    ensure!(created == before.0 + 1, "{created} calls, {} before", before.0);
    ensure!(
        updated == before.1,
        "there was nothing to add: {updated} calls, {} before",
        before.1
    );
    let state = world.aws().await?;
    ensure!(state["distributions"].as_array().map(Vec::len) == Some(1));
    // What was never made needs nothing but a word to go.
    for instance in &unproved {
        world.delete(instance).await?;
    }
    ensure!(
        written(&world).await? == (created, updated),
        "no write for what was never made"
    );
    world.delete(&wanted).await
}

/// The distribution was made, but the answer was lost, or CloudFront names its aliases first when it is asked again.
#[tokio::test]
async fn what_an_attempt_before_has_made_is_found_and_not_made_again() -> anyhow::Result<()> {
    let world = World::own(at_once()).await?;
    for fault in [
        json!({"close": true}),
        json!({"code": "CNAMEAlreadyExists", "status": 409}),
        json!({"code": "ServiceUnavailable", "status": 503}),
    ] {
        let instance = world.create(&[domain("made-before")]).await?;
        let told = world.told(&instance).await?;
        let mut planted = json!({"operation": "CreateDistributionWithTags", "after_effect": true});
        for (key, value) in fault.as_object().context("an object")? {
            planted[key] = value.clone();
        }
        world.aws_admin("faults", planted).await?;
        world.set_persist(&told, &instance.domains[0]).await?;
        world.platform.succeeded(&instance.id, PATIENCE).await?;
        world.serves(&instance).await?;
        ensure!(world.distributions(&instance).await?.len() == 1, "{fault}");
        world.delete(&instance).await?;
    }
    Ok(())
}

/// Who made the first one died before it was written down, and the creation failed: Cloud Controller tries again with another id.
#[tokio::test]
async fn a_domain_goes_over_from_a_distribution_that_was_never_written_down() -> anyhow::Result<()> {
    let world = world().await;
    let (tenant, name) = (organization(), domain("unwritten"));
    let first = world.created(&tenant, std::slice::from_ref(&name)).await?;
    let sql = world.sql().await?;
    for unwritten in [
        "update operations set state = 'failed', failure = 'as if' where instance_id = $1",
        "update claims set proved = false where instance_id = $1",
        "update instances set distribution_id = null, distribution_domain = null where id = $1",
    ] {
        sql.execute(unwritten, &[&first.id]).await?;
    }
    // Its record stands.
    let second = world.create_in(&tenant, std::slice::from_ref(&name)).await?;
    world.platform.succeeded(&second.id, PATIENCE).await?;
    world.serves(&second).await?;
    world.delete(&first).await?;
    ensure!(
        world.distributions(&first).await?.is_empty(),
        "it was found all the same"
    );
    world.serves(&second).await?;
    world.delete(&second).await
}

/// By hand, for docs/decisions.md: how long a tenant waits while CloudFront takes 10 s for each deployment.
#[tokio::test]
#[ignore = "measures, and asserts nothing"]
async fn how_long_a_provision_takes_with_a_slow_cloudfront() -> anyhow::Result<()> {
    let mut options = Options::fast();
    options.deploy_ms = 10_000;
    let world = World::own(options).await?;
    let tenant = organization();
    let serves = async |instance: &Instance, begun: Instant| {
        until("HTTPS", async || {
            tokio::time::sleep(Duration::from_millis(50)).await;
            let visit = world.browser().https(&instance.domains[0], "/").await;
            Ok(visit.is_ok_and(|visit| visit.status == 200))
        })
        .await?;
        anyhow::Ok(begun.elapsed().as_secs_f64())
    };
    for run in 1..=3 {
        // The tenant takes longer than CloudFront: the distribution of the version before is deployed meanwhile.
        let instance = world.create_in(&tenant, &[domain("slow")]).await?;
        let told = world.told(&instance).await?;
        tokio::time::sleep(Duration::from_secs(12)).await;
        let begun = Instant::now();
        world.set_persist(&told, &instance.domains[0]).await?;
        let from_record = serves(&instance, begun).await?;
        world.platform.succeeded(&instance.id, PATIENCE).await?;
        let to_success = begun.elapsed().as_secs_f64();
        let value = status::persist_value(&told).context("a set-once record")?;
        let name = domain("standing");
        world
            .dns
            .set_txt(&format!("_validation-persist.{name}"), &value)
            .await?;
        let begun = Instant::now();
        let instance = world.create_in(&tenant, &[name]).await?;
        let from_asking = serves(&instance, begun).await?;
        world.platform.succeeded(&instance.id, PATIENCE).await?;
        println!(
            "run {run}: last record in place to HTTPS {from_record:.1} s, to \"succeeded\" {to_success:.1} s; \
             accepted with a standing record to HTTPS {from_asking:.1} s, to \"succeeded\" {:.1} s",
            begun.elapsed().as_secs_f64()
        );
    }
    let (made, changed) = written(&world).await?;
    println!("for 6 instances: {made} calls of CreateDistributionWithTags, {changed} of UpdateDistribution");
    Ok(())
}
