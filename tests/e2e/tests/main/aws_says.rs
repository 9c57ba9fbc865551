//! What AWS says for reasons that its codes don't tell apart: each in the words of public reports (aws-sim's `sayings`), and what comes of it.

use anyhow::{Context as _, ensure};
use serde_json::json;
use stack::Options;

use crate::world::{Instance, PATIENCE, World, domain, organization};

/// From now on an operation is refused, in words that aws-sim knows by this name.
async fn refuse(world: &World, like: &str) -> anyhow::Result<()> {
    world.aws_admin("faults", json!({"like": like, "percent": 100})).await
}

async fn no_longer(world: &World) -> anyhow::Result<()> {
    let url = format!("{}/faults", world.handle.endpoints().aws_admin_url);
    reqwest::Client::new().delete(url).send().await?.error_for_status()?;
    Ok(())
}

/// The refusal is waited for, with AWS' own words, and when it is over the operation goes on by itself.
async fn is_waited_for(world: &World, instance: &Instance, words: &[&str]) -> anyhow::Result<()> {
    let told = world.says(instance, words.first().context("words")?).await?;
    for words in words {
        ensure!(told.description().contains(words), "{}", told.text);
    }
    no_longer(world).await?;
    world.platform.succeeded(&instance.id, PATIENCE).await?;
    Ok(())
}

#[tokio::test]
async fn what_the_operator_or_time_mends_is_waited_for() -> anyhow::Result<()> {
    let world = World::own(Options::fast()).await?;
    refuse(&world, "account-not-verified").await?;
    let instance = world.create(&[domain("account")]).await?;
    let told = world.told(&instance).await?;
    world.set_persist(&told, &instance.domains[0]).await?;
    is_waited_for(&world, &instance, &["AWS Support", "account must be verified"]).await?;

    let table = [
        (
            "web-acl-unreadable",
            "/one",
            ["by hand (InvalidWebACLId)", "Unable to verify read permissions"],
        ),
        (
            "certificate-change-in-progress",
            "/two",
            ["CloudFront is still deploying", "the certificate before this one"],
        ),
    ];
    for (refusal, path, words) in table {
        refuse(&world, refusal).await?;
        let update = json!({"path": path});
        assert_eq!(world.platform.update(&instance.id, update).await?.status, 202);
        is_waited_for(&world, &instance, &words).await?;
    }
    world.delete(&instance).await
}

#[tokio::test]
async fn a_pricing_plan_is_no_race_of_writers() -> anyhow::Result<()> {
    let world = World::own(Options::fast()).await?;
    let instance = world.created(&organization(), &[domain("plan")]).await?;
    // A stale ETag has the same code.
    refuse(&world, "pricing-plan").await?;
    assert_eq!(world.platform.deprovision(&instance.id).await?.status, 202);
    let told = world.says(&instance, "subscribed to a pricing plan").await?;
    assert_eq!(told.state(), "failed", "{}", told.text);
    no_longer(&world).await?;
    world.delete(&instance).await
}

#[tokio::test]
async fn a_certificate_that_is_never_seen_is_given_up_in_time() -> anyhow::Result<()> {
    let mut options = Options::fast().with_env("distribution", "CERTIFICATE_VISIBLE_WITHIN", "1s");
    options.iam_visible_ms = 3_600_000;
    let world = World::own(options).await?;
    let instance = world.create(&[domain("unseen")]).await?;
    let told = world.told(&instance).await?;
    world.set_persist(&told, &instance.domains[0]).await?;
    let told = world
        .says(&instance, "CloudFront does not accept the certificate")
        .await?;
    assert_eq!(told.state(), "failed", "{}", told.text);
    world.delete(&instance).await
}
