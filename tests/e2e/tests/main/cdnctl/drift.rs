//! What somebody changed in CloudFront by hand is told, and nothing is written.

use anyhow::Context as _;
use aws_sdk_cloudfront::types::Aliases;
use serde_json::json;

use super::{Said, operate_aws};
use crate::drift::{administrator, config};
use crate::world::{PATIENCE, World, domain, organization, world};

async fn drift(world: &World, args: &[&str]) -> anyhow::Result<Said> {
    operate_aws(&world.handle, &[&["drift"], args].concat()).await
}

#[tokio::test]
async fn what_was_changed_by_hand_is_told_and_left_alone() -> anyhow::Result<()> {
    let world = world().await;
    let mut names = [domain("drift-a"), domain("drift-b")];
    names.sort();
    let instance = world.created(&organization(), &names).await?;
    let id = instance.id.as_str();
    let said = drift(world, &[id]).await?;
    assert_eq!(said.code, Some(0), "{}{}", said.text, said.errors);
    assert!(said.line(id).ends_with("as configured"), "{}", said.text);

    let found = world.distributions(&instance).await?;
    let distribution = found[0]["id"].as_str().context("an id")?;
    let aws = administrator(world)?;
    let (mut changed, etag) = config(&aws, distribution).await?;
    changed.enabled = false;
    changed.aliases = Some(Aliases::builder().quantity(1).items(&names[0]).build()?);
    let origins = changed.origins.as_mut().context("origins")?;
    let origin = origins.items.iter_mut().find(|origin| origin.id == "origin");
    origin.context("the user's origin")?.origin_path = Some("/elsewhere".into());
    let writing = aws.update_distribution().id(distribution).if_match(etag);
    writing.distribution_config(changed).send().await?;
    let (written, etag) = config(&aws, distribution).await?;

    let said = drift(world, &[id]).await?;
    assert_eq!(said.code, Some(1), "{}", said.text);
    let missing = format!("the alias {} is missing", names[1]);
    for words in ["it is disabled", &missing, "the path at the origin is \"/elsewhere\""] {
        assert!(said.text.contains(words), "{}", said.text);
    }
    let json = drift(world, &[id, "--json"]).await?.json()?;
    assert_eq!(json[0]["differences"].as_array().map(Vec::len), Some(3), "{json}");
    assert_eq!(
        config(&aws, distribution).await?,
        (written, etag),
        "nothing was written"
    );

    // What it says to do puts right all but what is the operator's.
    let answer = world.platform.update(id, json!({"timestamp": "drift"})).await?;
    assert_eq!(answer.status, 202, "{}", answer.text);
    world.platform.succeeded(id, PATIENCE).await?;
    let said = drift(world, &[id]).await?;
    assert!(said.line(id).ends_with("it is disabled"), "{}", said.text);
    let unknown = drift(world, &["no-such-instance"]).await?;
    assert_eq!((unknown.code, unknown.text.as_str()), (Some(2), ""));
    world.delete(&instance).await
}
