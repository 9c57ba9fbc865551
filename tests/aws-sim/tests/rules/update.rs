//! Update: replaces the whole configuration, and requires every returned field.

use crate::support::configs::{behaviour, behaviours, default_behaviour, minimal};
use crate::support::{refusal, world};

#[tokio::test]
async fn what_was_read_can_be_written_back_and_changes_the_etag() {
    let world = world().await;
    let (made, before) = world.create(minimal("one")).await;
    let after = world
        .update(&made.id, |config| config.comment = "new".to_owned())
        .await
        .unwrap();
    assert_ne!(before, after);
    let read = world
        .cloudfront
        .get_distribution_config()
        .id(&made.id)
        .send()
        .await
        .unwrap();
    assert_eq!(read.e_tag.unwrap(), after);
    assert_eq!(read.distribution_config.unwrap().comment, "new");
}

#[tokio::test]
async fn a_missing_or_malformed_if_match_is_invalid_if_match_version() {
    let world = world().await;
    let (made, _) = world.create(minimal("one")).await;
    let config = made.distribution_config.unwrap();
    let call = || {
        world
            .cloudfront
            .update_distribution()
            .id(&made.id)
            .distribution_config(config.clone())
    };
    refusal(call().send().await).is("InvalidIfMatchVersion", 400);
    refusal(call().if_match("no etag!").send().await).is("InvalidIfMatchVersion", 400);
}

#[tokio::test]
async fn a_stale_if_match_is_precondition_failed() {
    let world = world().await;
    let (made, stale) = world.create(minimal("one")).await;
    world
        .update(&made.id, |config| config.comment = "new".to_owned())
        .await
        .unwrap();
    let config = made.distribution_config.unwrap();
    let call = world
        .cloudfront
        .update_distribution()
        .id(&made.id)
        .distribution_config(config)
        .if_match(stale);
    refusal(call.send().await).is("PreconditionFailed", 412);
}

#[tokio::test]
async fn caller_reference_cannot_change() {
    let world = world().await;
    let (made, _) = world.create(minimal("one")).await;
    refusal(
        world
            .update(&made.id, |config| config.caller_reference = "two".to_owned())
            .await,
    )
    .is("IllegalUpdate", 400);
}

#[tokio::test]
async fn what_create_let_out_is_required() {
    let world = world().await;
    let (made, etag) = world.create(minimal("one")).await;
    let call = world
        .cloudfront
        .update_distribution()
        .id(&made.id)
        .if_match(etag)
        .distribution_config(minimal("one"));
    refusal(call.send().await).is("IllegalUpdate", 400);
}

#[tokio::test]
async fn nothing_that_was_returned_may_be_left_out() {
    let world = world().await;
    let (made, _) = world.create(minimal("one")).await;
    let id = &made.id;
    refusal(world.update(id, |config| config.logging = None).await)
        .is("IllegalUpdate", 400)
        .says("Logging");
    refusal(world.update(id, |config| config.viewer_certificate = None).await)
        .is("IllegalUpdate", 400)
        .says("ViewerCertificate");
    refusal(world.update(id, |config| config.origin_groups = None).await)
        .is("IllegalUpdate", 400)
        .says("OriginGroups");
    let smooth = world
        .update(id, |config| default_behaviour(config).smooth_streaming = None)
        .await;
    refusal(smooth).is("IllegalUpdate", 400).says("SmoothStreaming");
    let signers = world
        .update(id, |config| default_behaviour(config).trusted_signers = None)
        .await;
    refusal(signers).is("IllegalUpdate", 400).says("TrustedSigners");
    let read_timeout = world.update(id, |config| {
        config.origins.as_mut().unwrap().items[0]
            .custom_origin_config
            .as_mut()
            .unwrap()
            .origin_read_timeout = None;
    });
    refusal(read_timeout.await)
        .is("IllegalUpdate", 400)
        .says("OriginReadTimeout");
}

#[tokio::test]
async fn a_new_behaviour_must_be_complete_too() {
    let world = world().await;
    let (made, _) = world.create(minimal("one")).await;
    let bare = |config: &mut aws_sdk_cloudfront::types::DistributionConfig| {
        config.cache_behaviors = Some(behaviours(vec![behaviour("/x/*", "app")]));
    };
    refusal(world.update(&made.id, bare).await).is("IllegalUpdate", 400);
}

#[tokio::test]
async fn an_update_is_checked_like_a_create() {
    let world = world().await;
    let (made, _) = world.create(minimal("one")).await;
    refusal(world.update(&made.id, |config| config.comment = "x".repeat(129)).await).is("InvalidArgument", 400);
    let target = world.update(&made.id, |config| {
        default_behaviour(config).target_origin_id = "nowhere".to_owned()
    });
    refusal(target.await).is("NoSuchOrigin", 404);
}

#[tokio::test]
async fn an_unknown_distribution_is_no_such_distribution() {
    let world = world().await;
    let call = world
        .cloudfront
        .update_distribution()
        .id("E0000000000000")
        .if_match("E1")
        .distribution_config(minimal("one"));
    refusal(call.send().await).is("NoSuchDistribution", 404);
}
