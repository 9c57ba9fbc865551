//! A distribution that was changed by hand: what is ours is put right by the next update, what is not ours stays.

use anyhow::Context as _;
use aws_sdk_cloudfront::Client;
use aws_sdk_cloudfront::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_cloudfront::types::{Aliases, DistributionConfig, HttpVersion, PriceClass};
use serde_json::json;

use crate::world::{Instance, PATIENCE, World, domain, organization, world};

/// An administrator of the account.
pub(crate) fn administrator(world: &World) -> anyhow::Result<Client> {
    let endpoints = world.handle.endpoints();
    let key = endpoints.aws_keys.get("distribution").context("a key")?;
    let config = aws_sdk_cloudfront::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .endpoint_url(&endpoints.aws_api_url)
        .credentials_provider(Credentials::new(&key.id, &key.secret, None, None, "administrator"));
    Ok(Client::from_conf(config.build()))
}

async fn id(world: &World, instance: &Instance) -> anyhow::Result<String> {
    let found = world.distributions(instance).await?;
    Ok(found[0]["id"].as_str().context("an id")?.to_owned())
}

pub(crate) async fn config(aws: &Client, id: &str) -> anyhow::Result<(DistributionConfig, String)> {
    let read = aws.get_distribution_config().id(id).send().await?;
    let config = read.distribution_config.context("a configuration")?;
    Ok((config, read.e_tag.context("an ETag")?))
}

#[tokio::test]
async fn what_is_ours_is_put_right_and_what_others_set_stays() -> anyhow::Result<()> {
    let world = world().await;
    let instance = world.created(&organization(), &[domain("drifted")]).await?;
    let (aws, id) = (administrator(world)?, id(world, &instance).await?);
    let (before, etag) = config(&aws, &id).await?;
    let mut drifted = before.clone();
    drifted.http_version = Some(HttpVersion::Http11);
    drifted.price_class = Some(PriceClass::PriceClass200);
    drifted.aliases = Some(Aliases::builder().quantity(0).build()?);
    if let Some(behavior) = &mut drifted.default_cache_behavior {
        behavior.compress = Some(false);
    }
    drifted.default_root_object = Some("index.html".into());
    aws.update_distribution()
        .id(&id)
        .if_match(&etag)
        .distribution_config(drifted)
        .send()
        .await?;

    // Nobody looks without being asked to.
    let nothing = world.platform.update(&instance.id, json!({})).await?;
    assert_eq!(nothing.status, 200, "{}", nothing.text);
    let answer = world.platform.update(&instance.id, json!({"timestamp": "now"})).await?;
    assert_eq!(answer.status, 202, "{}", answer.text);
    world.platform.succeeded(&instance.id, PATIENCE).await?;
    let (after, _) = config(&aws, &id).await?;
    let mut expected = before;
    expected.default_root_object = Some("index.html".into());
    assert_eq!(after, expected);
    world.serves(&instance).await?;
    world.delete(&instance).await
}

/// A worker that froze in a failed update has the ETag of then; an update after it is written even if nothing differs.
#[tokio::test]
async fn after_a_failed_update_the_etag_moves() -> anyhow::Result<()> {
    let world = world().await;
    let (organization, taken) = (organization(), domain("moves"));
    let instance = world.created(&organization, &[domain("etag")]).await?;
    let (aws, id) = (administrator(world)?, id(world, &instance).await?);
    let (as_made, etag) = config(&aws, &id).await?;
    world.aws_admin("foreign-alias", json!({"alias": taken})).await?;
    let domains = json!({"domains": [instance.domains[0], taken]});
    assert_eq!(world.platform.update(&instance.id, domains).await?.status, 202);
    let told = world.told(&instance).await?;
    world.set_persist(&told, &taken).await?;
    let failed = world.platform.failed(&instance.id, PATIENCE).await?;
    assert!(failed.description().contains(&taken), "{}", failed.description());
    assert_eq!(config(&aws, &id).await?, (as_made.clone(), etag.clone()));

    assert_eq!(world.platform.update(&instance.id, json!({})).await?.status, 202);
    world.platform.succeeded(&instance.id, PATIENCE).await?;
    let (same, moved) = config(&aws, &id).await?;
    assert_eq!(same, as_made);
    assert_ne!(moved, etag);
    assert_eq!(world.platform.update(&instance.id, json!({})).await?.status, 200);
    world.delete(&instance).await
}
