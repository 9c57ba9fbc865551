//! The bucket for access logs.

use aws_sdk_cloudfront::types::{DistributionConfig, LoggingConfig};
use serde_json::json;

use crate::support::configs::minimal;
use crate::support::{World, clients, refusal, world, world_with};

fn logs_to(reference: &str, bucket: &str) -> DistributionConfig {
    let mut config = minimal(reference);
    config.logging = Some(
        LoggingConfig::builder()
            .enabled(true)
            .bucket(bucket)
            .prefix("one/")
            .include_cookies(false)
            .build(),
    );
    config
}

async fn bucket(world: &World, name: &str, acls: bool) {
    world.admin("/bucket", json!({"name": name, "acls": acls})).await;
}

#[tokio::test]
async fn a_bucket_with_acls_is_taken_by_both_of_its_names() {
    let world = world().await;
    bucket(&world, "logs", true).await;
    for domain in ["logs.s3.amazonaws.com", "logs.s3.eu-west-1.amazonaws.com"] {
        let (made, _) = world.create(logs_to(domain, domain)).await;
        let logging = made.distribution_config.unwrap().logging.unwrap();
        assert!(logging.enabled && !logging.include_cookies);
        assert_eq!((logging.bucket.as_str(), logging.prefix.as_str()), (domain, "one/"));
    }
    let state = world.admin_get("/state").await;
    assert_eq!(state["buckets"]["logs"]["acls"], true);
    assert_eq!(state["distributions"][0]["config"]["Logging"]["Enabled"], true);
}

#[tokio::test]
async fn a_bucket_that_is_not_there_has_no_acls_or_is_none_is_refused() {
    let world = world().await;
    bucket(&world, "plain", false).await;
    for (domain, says) in [
        ("none.s3.amazonaws.com", "doesn't exist: none.s3.amazonaws.com"),
        (
            "plain.s3.amazonaws.com",
            "does not enable ACL access: plain.s3.amazonaws.com",
        ),
        (
            "plain",
            "The parameter Logging Bucket does not refer to a valid S3 bucket",
        ),
        ("", "The parameter Logging Bucket does not refer to a valid S3 bucket"),
    ] {
        world
            .refused(logs_to("refused", domain))
            .await
            .is("InvalidArgument", 400)
            .says(says);
    }
}

#[tokio::test]
async fn who_may_not_write_the_buckets_acl_is_denied() {
    let keys = "maker:secret:cloudfront:*";
    let world = world_with(|settings| settings.access_keys.push(keys.parse().unwrap())).await;
    bucket(&world, "logs", true).await;
    let (cloudfront, _) = clients(&world.running, "maker", "secret", "us-east-1");
    let create = async |config| {
        cloudfront
            .create_distribution()
            .distribution_config(config)
            .send()
            .await
    };
    let denied = refusal(create(logs_to("one", "logs.s3.amazonaws.com")).await);
    denied.is("AccessDenied", 403).says("s3:PutBucketAcl");
    create(minimal("two")).await.unwrap();
}

#[tokio::test]
async fn a_bucket_that_went_keeps_every_write_but_one_without_logs() {
    let world = world().await;
    bucket(&world, "logs", true).await;
    let (made, _) = world.create(logs_to("one", "logs.s3.amazonaws.com")).await;
    world.remove("/bucket", json!({"name": "logs"})).await;
    let refused = refusal(world.update(&made.id, |config| config.enabled = false).await);
    refused.is("InvalidArgument", 400).says("doesn't exist");
    world
        .update(&made.id, |config| {
            config.enabled = false;
            config.logging.as_mut().unwrap().enabled = false;
        })
        .await
        .unwrap();
    let read = world
        .cloudfront
        .get_distribution_config()
        .id(&made.id)
        .send()
        .await
        .unwrap();
    let logging = read.distribution_config.unwrap().logging.unwrap();
    assert_eq!(
        (logging.enabled, logging.bucket.as_str(), logging.prefix.as_str()),
        (false, "", "")
    );
}
