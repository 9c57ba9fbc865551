//! The admin endpoint.

use std::time::{Duration, Instant};

use aws_sdk_cloudfront::error::SdkError;
use serde_json::json;

use crate::support::configs::minimal;
use crate::support::{refusal, world};

#[tokio::test]
async fn throttling_answers_so_many_times() {
    let world = world().await;
    world
        .admin(
            "/faults",
            json!({"operation": "ListDistributions", "code": "Throttling", "status": 400, "times": 2}),
        )
        .await;
    for _ in 0..2 {
        refusal(world.cloudfront.list_distributions().send().await)
            .is("Throttling", 400)
            .says("Rate exceeded");
    }
    world.cloudfront.list_distributions().send().await.unwrap();
    let counters = world.admin_get("/counters").await;
    assert_eq!(
        counters["cloudfront:ListDistributions"],
        json!({"calls": 3, "results": {"OK": 1, "Throttling": 2}})
    );
}

#[tokio::test]
async fn after_effect_does_the_work_and_loses_the_answer() {
    let world = world().await;
    let fault = json!({"operation": "*", "code": "ServiceUnavailable", "status": 503, "after_effect": true});
    world.admin("/faults", fault).await;
    world.refused(minimal("one")).await.is("ServiceUnavailable", 503);
    world.refused(minimal("one")).await.is("DistributionAlreadyExists", 409);
    assert_eq!(
        world.admin_get("/state").await["distributions"][0]["caller_reference"],
        "one"
    );
}

#[tokio::test]
async fn close_drops_the_connection() {
    let world = world().await;
    world
        .admin("/faults", json!({"operation": "cloudfront:*", "close": true}))
        .await;
    let error = world.cloudfront.list_distributions().send().await.unwrap_err();
    assert!(matches!(error, SdkError::DispatchFailure(_)), "{error:?}");
    assert_eq!(
        world.admin_get("/counters").await["cloudfront:ListDistributions"]["results"]["Closed"],
        1
    );
}

#[tokio::test]
async fn delay_only_delays() {
    let world = world().await;
    world
        .admin("/faults", json!({"operation": "iam:*", "delay_ms": 60}))
        .await;
    let before = Instant::now();
    world.iam.list_server_certificates().send().await.unwrap();
    assert!(before.elapsed() >= Duration::from_millis(60));
}

#[tokio::test]
async fn faults_can_be_removed() {
    let world = world().await;
    world
        .admin(
            "/faults",
            json!({"operation": "*", "code": "Throttling", "percent": 100}),
        )
        .await;
    refusal(world.cloudfront.list_distributions().send().await).is("Throttling", 400);
    let request = http::Request::delete("/faults");
    crate::support::viewer::plain(world.running.admin_addr, request, String::new()).await;
    world.cloudfront.list_distributions().send().await.unwrap();
}

#[tokio::test]
async fn state_shows_everything() {
    let world = world().await;
    let made = world.serving("one", &["www.example.com"]).await;
    let state = world.admin_get("/state").await;
    let (distribution, certificate) = (&state["distributions"][0], &state["certificates"][0]);
    assert_eq!(distribution["id"], made.id);
    assert_eq!(distribution["domain_name"], made.domain_name);
    assert_eq!(distribution["status"], "Deployed");
    assert_eq!(distribution["aliases"], json!(["www.example.com"]));
    assert_eq!(distribution["origin"], "origin.example.org");
    assert_eq!(distribution["config"]["DefaultCacheBehavior"]["TargetOriginId"], "app");
    assert_eq!(distribution["iam_certificate_id"], certificate["id"]);
    assert_eq!(certificate["names"], json!(["www.example.com"]));
    assert_eq!(certificate["path"], "/cloudfront/test/");
    assert_eq!(certificate["in_use"], true);
}

#[tokio::test]
async fn reset_forgets_everything() {
    let world = world().await;
    world.create(minimal("one")).await;
    world.admin("/reset", json!({})).await;
    assert_eq!(world.admin_get("/state").await["distributions"], json!([]));
    world.create(minimal("one")).await;
}
