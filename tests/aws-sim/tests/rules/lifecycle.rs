//! Caller references, status, deletion, listing.

use std::time::Duration;

use serde_json::json;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::support::configs::minimal;
use crate::support::{NEVER, eventually, refusal, world, world_with};

#[tokio::test]
async fn a_used_caller_reference_is_distribution_already_exists() {
    let world = world().await;
    let (made, etag) = world.create(minimal("one")).await;
    world.refused(minimal("one")).await.is("DistributionAlreadyExists", 409);
    let mut other = minimal("one");
    other.comment = "different".to_owned();
    world.refused(other).await.is("DistributionAlreadyExists", 409);
    assert_eq!(made.distribution_config.unwrap().caller_reference, "one");
    let etag = world
        .update(&made.id, |config| config.enabled = false)
        .await
        .unwrap_or(etag);
    world
        .cloudfront
        .delete_distribution()
        .id(&made.id)
        .if_match(etag)
        .send()
        .await
        .unwrap();
    world.refused(minimal("one")).await.is("DistributionAlreadyExists", 409);
}

#[tokio::test]
async fn in_progress_until_deployed() {
    let world = world_with(|settings| settings.deploy_ms = NEVER).await;
    let (made, _) = world.create(minimal("one")).await;
    assert_eq!(made.status, "InProgress");
    assert_eq!(world.status(&made.id).await, "InProgress");
    world.admin("/settings", json!({"deploy_ms": 0})).await;
    assert_eq!(world.status(&made.id).await, "Deployed");
    world.admin("/settings", json!({"deploy_ms": NEVER})).await;
    world
        .update(&made.id, |config| config.comment = "new".to_owned())
        .await
        .unwrap();
    assert_eq!(world.status(&made.id).await, "InProgress");
}

#[tokio::test]
async fn deploys_by_itself() {
    let world = world_with(|settings| settings.deploy_ms = 50).await;
    let (made, _) = world.create(minimal("one")).await;
    assert_eq!(made.status, "InProgress");
    eventually("deployed", async || world.status(&made.id).await == "Deployed").await;
}

#[tokio::test]
async fn one_takes_as_long_to_deploy_as_was_said_for_its_alias() {
    let takes = Duration::from_millis(50);
    let world = world_with(|settings| settings.deploy_ms = NEVER).await;
    let told = json!({"alias": "WWW.example.com", "ms": 50});
    world.admin("/deployment", told).await;
    let other = world.serving("other", &["other.example.com"]).await;
    let before = OffsetDateTime::now_utc();
    let made = world.serving("one", &["www.example.com"]).await;
    let made_until = OffsetDateTime::now_utc();
    eventually("deployed", async || world.status(&made.id).await == "Deployed").await;
    assert_eq!(world.status(&other.id).await, "InProgress");
    let state = world.admin_get("/state").await;
    let deployed_at = |id: &str| {
        let mut all = state["distributions"].as_array().unwrap().iter();
        let one = all.find(|it| it["id"] == id).unwrap();
        one["deployed_at"]
            .as_str()
            .map(|at| OffsetDateTime::parse(at, &Rfc3339).unwrap())
    };
    let at = deployed_at(&made.id).unwrap();
    assert!((before + takes..=made_until + takes).contains(&at), "{at}");
    assert_eq!(deployed_at(&other.id), None);
}

#[tokio::test]
async fn an_update_while_in_progress_is_accepted() {
    let world = world_with(|settings| settings.deploy_ms = NEVER).await;
    let (made, _) = world.create(minimal("one")).await;
    world
        .update(&made.id, |config| config.comment = "new".to_owned())
        .await
        .unwrap();
    world
        .update(&made.id, |config| config.comment = "newer".to_owned())
        .await
        .unwrap();
}

#[tokio::test]
async fn deleting_an_enabled_distribution_is_distribution_not_disabled() {
    let world = world().await;
    let (made, etag) = world.create(minimal("one")).await;
    refusal(
        world
            .cloudfront
            .delete_distribution()
            .id(&made.id)
            .if_match(etag)
            .send()
            .await,
    )
    .is("DistributionNotDisabled", 409);
}

#[tokio::test]
async fn the_disable_must_be_deployed_before_the_delete() {
    let world = world_with(|settings| settings.deploy_ms = NEVER).await;
    let (made, _) = world.create(minimal("one")).await;
    let etag = world.update(&made.id, |config| config.enabled = false).await.unwrap();
    let delete = || {
        world
            .cloudfront
            .delete_distribution()
            .id(&made.id)
            .if_match(&etag)
            .send()
    };
    refusal(delete().await).is("DistributionNotDisabled", 409);
    world.admin("/settings", json!({"deploy_ms": 0})).await;
    delete().await.unwrap();
    refusal(world.cloudfront.get_distribution().id(&made.id).send().await).is("NoSuchDistribution", 404);
}

#[tokio::test]
async fn delete_needs_the_current_etag() {
    let world = world().await;
    let (made, stale) = world.create(minimal("one")).await;
    world.update(&made.id, |config| config.enabled = false).await.unwrap();
    refusal(world.cloudfront.delete_distribution().id(&made.id).send().await).is("InvalidIfMatchVersion", 400);
    refusal(
        world
            .cloudfront
            .delete_distribution()
            .id(&made.id)
            .if_match(stale)
            .send()
            .await,
    )
    .is("PreconditionFailed", 412);
}

#[tokio::test]
async fn list_is_paged() {
    let world = world().await;
    for number in 0..5 {
        world.create(minimal(&format!("r{number}"))).await;
    }
    let (mut seen, mut marker) = (Vec::new(), None::<String>);
    loop {
        let page = world
            .cloudfront
            .list_distributions()
            .max_items(2)
            .set_marker(marker)
            .send()
            .await
            .unwrap();
        let page = page.distribution_list.unwrap();
        assert!(page.quantity <= 2);
        assert_eq!(page.is_truncated, page.next_marker.is_some());
        seen.extend(page.items.unwrap_or_default().into_iter().map(|item| item.id));
        marker = page.next_marker;
        if marker.is_none() {
            break;
        }
    }
    seen.dedup();
    assert_eq!(seen.len(), 5);
}

#[tokio::test]
async fn an_empty_list_has_no_items() {
    let list = world()
        .await
        .cloudfront
        .list_distributions()
        .send()
        .await
        .unwrap()
        .distribution_list
        .unwrap();
    assert_eq!((list.quantity, list.is_truncated), (0, false));
}
