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

#[tokio::test]
async fn a_share_of_all_calls_loses_its_answer_for_as_long_as_the_fault_stands() {
    let world = world().await;
    for (status, code) in [(500, "InternalFailure"), (503, "ServiceUnavailable")] {
        let fault = json!({"operation": "*", "code": code, "status": status, "percent": 100, "after_effect": true});
        world.admin("/faults", fault).await;
        let reference = format!("after-{status}");
        for _ in 0..2 {
            let leaf = world.ca.leaf(&["www.example.com"]);
            let upload = world
                .iam
                .upload_server_certificate()
                .server_certificate_name(&reference)
                .path("/cloudfront/")
                .certificate_body(leaf.cert_pem())
                .private_key(leaf.key_pem());
            refusal(upload.send().await).is(code, status);
            world.refused(minimal(&reference)).await.is(code, status);
        }
        let state = world.admin_get("/state").await;
        assert_eq!(state["certificates"].as_array().unwrap().len(), 1, "{state}");
        let id = state["distributions"][0]["id"].as_str().unwrap().to_owned();
        let delete = world
            .iam
            .delete_server_certificate()
            .server_certificate_name(&reference);
        refusal(delete.send().await).is(code, status);
        let read = world.cloudfront.get_distribution_config().id(&id).send().await;
        refusal(read).is(code, status);
        let request = http::Request::delete("/faults");
        crate::support::viewer::plain(world.running.admin_addr, request, String::new()).await;
        assert_eq!(world.admin_get("/state").await["certificates"], json!([]));
        let etag = world.cloudfront.get_distribution().id(&id).send().await.unwrap().e_tag;
        let delete = world.cloudfront.delete_distribution().id(&id).set_if_match(etag);
        refusal(delete.send().await).is("DistributionNotDisabled", 409);
        world.update(&id, |config| config.enabled = false).await.unwrap();
        let etag = world.cloudfront.get_distribution().id(&id).send().await.unwrap().e_tag;
        let delete = world.cloudfront.delete_distribution().id(&id).set_if_match(etag);
        delete.send().await.unwrap();
    }
    // Deleted resources are still listed.
    let history = world.admin_get("/history").await;
    for kind in ["distributions", "certificates"] {
        let made = history[kind].as_array().unwrap();
        assert_eq!(made.len(), 2, "{history}");
        assert!(made.iter().all(|one| one["deleted"].is_string()), "{history}");
    }
    assert_eq!(history["distributions"][0]["caller_reference"], "after-500");
}

#[tokio::test]
async fn a_seed_decides_which_calls_are_hit() {
    let mut runs = Vec::new();
    for seed in [7, 7, 8] {
        let world = world().await;
        world.admin("/faults/seed", json!({"seed": seed})).await;
        let fault = json!({"operation": "*", "code": "Throttling", "percent": 50});
        world.admin("/faults", fault).await;
        let mut hits = Vec::new();
        for _ in 0..32 {
            hits.push(world.cloudfront.list_distributions().send().await.is_err());
        }
        assert!(hits.contains(&true) && hits.contains(&false), "{hits:?}");
        runs.push(hits);
    }
    assert_eq!(runs[0], runs[1]);
    assert_ne!(runs[0], runs[2]);
}
