//! Signatures and rights.

use crate::support::configs::minimal;
use crate::support::{clients, refusal, viewer, world, world_with};
use aws_sdk_cloudfront::types::{DistributionConfigWithTags, Tags};

#[tokio::test]
async fn an_unknown_key_is_invalid_client_token_id() {
    let world = world().await;
    let (cloudfront, iam) = clients(&world.running, "nobody", "test", "us-east-1");
    refusal(cloudfront.list_distributions().send().await).is("InvalidClientTokenId", 403);
    refusal(iam.list_server_certificates().send().await).is("InvalidClientTokenId", 403);
}

#[tokio::test]
async fn a_wrong_secret_is_signature_does_not_match() {
    let world = world().await;
    let (cloudfront, iam) = clients(&world.running, "test", "wrong", "us-east-1");
    refusal(cloudfront.list_distributions().send().await).is("SignatureDoesNotMatch", 403);
    refusal(iam.list_server_certificates().send().await).is("SignatureDoesNotMatch", 403);
}

#[tokio::test]
async fn another_region_than_us_east_1_is_signature_does_not_match() {
    let world = world().await;
    let (cloudfront, _) = clients(&world.running, "test", "test", "eu-west-1");
    refusal(cloudfront.list_distributions().send().await)
        .is("SignatureDoesNotMatch", 403)
        .says("valid region");
}

#[tokio::test]
async fn no_signature_is_missing_authentication_token() {
    let world = world().await;
    let answer = viewer::plain(
        world.running.api_addr,
        http::Request::get("/2020-05-31/distribution"),
        String::new(),
    )
    .await;
    assert_eq!(answer.status(), 403);
    assert!(String::from_utf8_lossy(answer.body()).contains("<Code>MissingAuthenticationToken</Code>"));
}

#[tokio::test]
async fn a_key_without_the_right_is_access_denied() {
    let keys = "reader:secret:cloudfront:Get*+cloudfront:List*";
    let world = world_with(|settings| settings.access_keys.push(keys.parse().unwrap())).await;
    let (cloudfront, iam) = clients(&world.running, "reader", "secret", "us-east-1");
    cloudfront.list_distributions().send().await.unwrap();
    refusal(
        cloudfront
            .create_distribution()
            .distribution_config(minimal("one"))
            .send()
            .await,
    )
    .is("AccessDenied", 403);
    refusal(iam.list_server_certificates().send().await).is("AccessDenied", 403);
}

#[tokio::test]
async fn create_with_tags_needs_the_right_to_tag() {
    let keys = "maker:secret:cloudfront:CreateDistribution";
    let world = world_with(|settings| settings.access_keys.push(keys.parse().unwrap())).await;
    let (cloudfront, _) = clients(&world.running, "maker", "secret", "us-east-1");
    cloudfront
        .create_distribution()
        .distribution_config(minimal("one"))
        .send()
        .await
        .unwrap();
    let config = DistributionConfigWithTags::builder()
        .distribution_config(minimal("two"))
        .tags(Tags::builder().build());
    let call = cloudfront
        .create_distribution_with_tags()
        .distribution_config_with_tags(config.build());
    refusal(call.send().await)
        .is("AccessDenied", 403)
        .says("cloudfront:TagResource");
}

#[tokio::test]
async fn upload_with_tags_needs_the_right_to_tag() {
    let keys = "maker:secret:iam:UploadServerCertificate";
    let world = world_with(|settings| settings.access_keys.push(keys.parse().unwrap())).await;
    let (_, iam) = clients(&world.running, "maker", "secret", "us-east-1");
    let call = iam
        .upload_server_certificate()
        .server_certificate_name("one")
        .certificate_body("none")
        .private_key("none");
    let tag = aws_sdk_iam::types::Tag::builder().key("a").value("b").build().unwrap();
    refusal(call.clone().tags(tag).send().await)
        .is("AccessDenied", 403)
        .says("iam:TagServerCertificate");
    // The authorization is checked before the input.
    refusal(call.send().await).is("MalformedCertificate", 400);
}
