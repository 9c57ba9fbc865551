//! Access logs are the plan's: a second broker-api has a catalog with them, the shared one has the same plan without.

use std::path::Path;

use anyhow::{Context as _, ensure};
use aws_sdk_cloudfront::types::LoggingConfig;
use customer::Platform;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::time::{Duration, Instant, sleep};

use crate::catalog::{EXAMPLE, started};
use crate::drift::{administrator, config};
use crate::world::{Instance, PATIENCE, World, domain, organization, world};

/// The first plan of docs/catalog.example.json, which the shared broker-api has too, with these logs.
fn catalog(folder: &Path, access_logs: Value) -> anyhow::Result<()> {
    let mut catalog: Value = serde_json::from_str(EXAMPLE)?;
    catalog["services"][0]["plans"][0]["settings"]["access_logs"] = access_logs;
    Ok(std::fs::write(folder.join("catalog.json"), catalog.to_string())?)
}

fn bucket() -> String {
    // As in the shipped policies.
    format!("cdn-broker-logs-{}", uuid::Uuid::new_v4())
}

/// Asks for an instance and sets what its status says.
async fn asked(world: &World, cf: &Platform) -> anyhow::Result<Instance> {
    let instance = Instance {
        id: uuid::Uuid::new_v4().to_string(),
        domains: vec![domain("logs")],
    };
    let answer = cf
        .provision(&instance.id, &organization(), json!({"domains": instance.domains}))
        .await?;
    ensure!(answer.status == 202, "{} {}", answer.status, answer.text);
    let told = world.told(&instance).await?;
    world.set_persist(&told, &instance.domains[0]).await?;
    Ok(instance)
}

async fn logging(world: &World, instance: &Instance) -> anyhow::Result<Value> {
    let found = world.distributions(instance).await?;
    Ok(found[0]["config"]["Logging"].clone())
}

async fn updated(platform: &Platform, instance: &Instance) -> anyhow::Result<()> {
    let answer = platform.update(&instance.id, json!({"timestamp": "now"})).await?;
    ensure!(answer.status == 202, "{} {}", answer.status, answer.text);
    platform.succeeded(&instance.id, PATIENCE).await.map(drop)
}

#[tokio::test]
async fn logs_go_where_the_plan_says_each_instances_apart_and_no_user_sees_where() -> anyhow::Result<()> {
    let (world, bucket, folder) = (world().await, bucket(), tempfile::tempdir()?);
    world.aws_admin("bucket", json!({"name": bucket, "acls": true})).await?;
    let address = format!("{bucket}.s3.eu-west-1.amazonaws.com");
    catalog(folder.path(), json!({"bucket": address, "prefix": "cdn/"}))?;
    let (broker, url) = started(world, folder.path()).await?;
    let cf = Platform::new(&url, "cf", "hunter2-eu")?;
    let instance = asked(world, &cf).await?;
    cf.succeeded(&instance.id, PATIENCE).await?;
    let mut expected = json!({
        "Enabled": true, "IncludeCookies": false, "Bucket": address, "Prefix": format!("cdn/{}/", instance.id),
    });
    assert_eq!(logging(world, &instance).await?, expected);
    world.serves(&instance).await?;
    let fetch = format!("/v2/service_instances/{}", instance.id);
    for path in [fetch.as_str(), "/v2/catalog"] {
        let answer = cf.call(Method::GET, path, None).await?;
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert!(!answer.text.contains(&bucket), "{path}: {}", answer.text);
    }

    // Somebody's hand, and a plan that was changed: both with the next update.
    let aws = administrator(world)?;
    let id = world.distributions(&instance).await?[0]["id"]
        .as_str()
        .context("an id")?
        .to_owned();
    let (mut by_hand, etag) = config(&aws, &id).await?;
    by_hand.logging = Some(LoggingConfig::builder().build());
    let write = aws.update_distribution().id(&id).if_match(etag);
    write.distribution_config(by_hand).send().await?;
    assert_eq!(logging(world, &instance).await?["Enabled"], false);
    drop(broker);
    catalog(
        folder.path(),
        json!({"bucket": address, "prefix": "cdn/", "include_cookies": true}),
    )?;
    let (_broker, url) = started(world, folder.path()).await?;
    updated(&Platform::new(&url, "cf", "hunter2-eu")?, &instance).await?;
    expected["IncludeCookies"] = true.into();
    assert_eq!(logging(world, &instance).await?, expected);

    // The shared broker's plan has none.
    updated(&world.platform, &instance).await?;
    let off = json!({"Enabled": false, "IncludeCookies": false, "Bucket": "", "Prefix": ""});
    assert_eq!(logging(world, &instance).await?, off);
    world.delete(&instance).await
}

/// Until a line with all of these words is in the log of one of the two.
async fn operator_reads(world: &World, words: &[&str]) -> anyhow::Result<()> {
    let deadline = Instant::now() + PATIENCE;
    let processes = &world.handle.endpoints().processes;
    loop {
        for process in processes
            .iter()
            .filter(|process| process.name.starts_with("distribution"))
        {
            let log = std::fs::read_to_string(&process.log)?;
            if log.lines().any(|line| words.iter().all(|word| line.contains(word))) {
                return Ok(());
            }
        }
        ensure!(Instant::now() < deadline, "no line with all of {words:?}");
        sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_log_bucket_that_cannot_be_used_is_told_to_the_operator_and_waited_for() -> anyhow::Result<()> {
    let (world, bucket, folder) = (world().await, bucket(), tempfile::tempdir()?);
    catalog(folder.path(), json!({"bucket": format!("{bucket}.s3.amazonaws.com")}))?;
    let (_broker, url) = started(world, folder.path()).await?;
    let instance = asked(world, &Platform::new(&url, "cf", "hunter2-eu")?).await?;
    let waits = world
        .says(&instance, "the broker's operator must fix the plan or its log bucket")
        .await?;
    assert!(!waits.text.contains(&bucket), "{}", waits.text);
    operator_reads(world, &[&bucket, "ERROR", "doesn't exist", "docs/aws/cdn-broker.yaml"]).await?;
    world.aws_admin("bucket", json!({"name": bucket})).await?;
    operator_reads(
        world,
        &[
            &bucket,
            "ERROR",
            "does not enable ACL access",
            "docs/aws/cdn-broker.yaml",
        ],
    )
    .await?;
    world.aws_admin("bucket", json!({"name": bucket, "acls": true})).await?;
    world.platform.succeeded(&instance.id, PATIENCE).await?;
    assert_eq!(logging(world, &instance).await?["Prefix"], format!("{}/", instance.id));

    // One that is gone keeps nobody from leaving.
    let gone = format!("{}/bucket", world.handle.endpoints().aws_admin_url);
    let gone = reqwest::Client::new().delete(gone).json(&json!({"name": bucket}));
    gone.send().await?.error_for_status()?;
    world.delete(&instance).await?;
    assert_eq!(world.distributions(&instance).await?, Vec::<Value>::new());
    Ok(())
}
