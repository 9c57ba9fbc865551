//! Rights by resource and tag, and the resources that CloudFront reads elsewhere with the caller's rights.

use aws_sdk_cloudfront::types::{
    DistributionConfigWithTags, EventType, FunctionConfig, FunctionRuntime, LambdaFunctionAssociation,
    LambdaFunctionAssociations, Tag, Tags,
};
use serde_json::json;

use crate::support::configs::minimal;
use crate::support::{Refusal, World, clients, refusal, world, world_with};

const SHIPPED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/aws/distribution-policy.json");
const OUR_TAG: &str = "cdn-broker-instance";

/// A world with a key for this policy, and a client that uses it.
async fn under(policy: &str) -> (World, aws_sdk_cloudfront::Client) {
    let file = tempfile(policy);
    let key = format!("maker:secret:@{file}");
    let world = world_with(|settings| settings.access_keys.push(key.parse().unwrap())).await;
    std::fs::remove_file(file).unwrap();
    let (client, _) = clients(&world.running, "maker", "secret", "us-east-1");
    (world, client)
}

fn tempfile(policy: &str) -> String {
    let file = std::env::temp_dir().join(format!("aws-sim-policy-{}.json", aws_sim::ids::token(16)));
    std::fs::write(&file, policy).unwrap();
    file.display().to_string()
}

/// The shipped policy, with one part replaced.
fn shipped_but(old: &str, new: &str) -> String {
    let shipped = std::fs::read_to_string(SHIPPED).unwrap();
    assert!(shipped.contains(old), "{old}");
    shipped.replace(old, new)
}

async fn make_function(client: &aws_sdk_cloudfront::Client, name: &str) -> Result<(), Refusal> {
    let config = FunctionConfig::builder()
        .comment("")
        .runtime(FunctionRuntime::CloudfrontJs20)
        .build()
        .unwrap();
    let call = client.create_function().name(name).function_config(config);
    let made = call
        .function_code(b"function handler(e) { return e.request; }".to_vec().into())
        .send()
        .await;
    if made.is_ok() { Ok(()) } else { Err(refusal(made)) }
}

#[tokio::test]
async fn a_function_is_made_by_a_right_to_all_or_not_at_all() {
    let (_world, client) = under(&std::fs::read_to_string(SHIPPED).unwrap()).await;
    make_function(&client, "cdn-broker-a").await.unwrap();
    let everywhere =
        "\"Action\": [\"cloudfront:CreateDistribution\", \"cloudfront:CreateFunction\"],\n      \"Resource\": \"*\"";
    let by_name = everywhere.replace("\"*\"", "\"arn:aws:cloudfront::*:function/cdn-broker-*\"");
    let (_world, client) = under(&shipped_but(everywhere, &by_name)).await;
    let denied = make_function(&client, "cdn-broker-a").await.unwrap_err();
    denied.is("AccessDenied", 403).says("cloudfront:CreateFunction because");
}

#[tokio::test]
async fn what_has_our_tag_may_be_changed_and_nothing_else() {
    let (world, client) = under(&std::fs::read_to_string(SHIPPED).unwrap()).await;
    let tagged = |reference: &str, key: &str| {
        let tag = Tag::builder().key(key).value("one").build().unwrap();
        let config = DistributionConfigWithTags::builder()
            .distribution_config(minimal(reference))
            .tags(Tags::builder().items(tag).build());
        client
            .create_distribution_with_tags()
            .distribution_config_with_tags(config.build())
            .send()
    };
    refusal(tagged("other", "other-tag").await)
        .is("AccessDenied", 403)
        .says("cloudfront:TagResource on resource: arn:aws:cloudfront::123456789012:distribution/*");
    let ours = tagged("ours", OUR_TAG).await.unwrap();
    let (theirs, etag) = world.create(minimal("theirs")).await;
    let write = |id: &str, etag: &str, reference: &str| {
        let call = client.update_distribution().id(id).if_match(etag);
        call.distribution_config(minimal(reference)).send()
    };
    refusal(write(theirs.id(), &etag, "theirs").await)
        .is("AccessDenied", 403)
        .says(&format!("distribution/{}", theirs.id()));
    // The authorization is checked before the input.
    refusal(write(ours.distribution().unwrap().id(), "ENOTTHISONE", "ours").await).is("PreconditionFailed", 412);
    refusal(write("ENOSUCHTHING00", "ENOTTHISONE", "ours").await).is("AccessDenied", 403);
    client.get_distribution().id(theirs.id()).send().await.unwrap();
}

#[tokio::test]
async fn a_web_acl_that_the_caller_may_not_read_is_invalid_web_acl_id() {
    let acls = [
        (
            "wafv2:GetWebACL",
            "arn:aws:wafv2:us-east-1:123456789012:global/webacl/shop/473e64fd-f30b-4765-81a0-62ad96dd167a",
        ),
        ("waf:GetWebACL", "473e64fd-f30b-4765-81a0-62ad96dd167a"),
    ];
    for (action, acl) in acls {
        let mut config = minimal("one");
        config.web_acl_id = Some(acl.to_owned());
        let (_world, client) = under(&std::fs::read_to_string(SHIPPED).unwrap()).await;
        let make = |client: &aws_sdk_cloudfront::Client| {
            client.create_distribution().distribution_config(config.clone()).send()
        };
        make(&client).await.unwrap();
        let (_world, client) = under(&shipped_but(&format!("\"{action}\""), "\"iam:GetUser\"")).await;
        refusal(make(&client).await)
            .is("InvalidWebACLId", 400)
            .says("read permissions");
    }
}

#[tokio::test]
async fn lambda_at_edge_is_read_with_the_caller_s_rights() {
    let association = LambdaFunctionAssociation::builder()
        .lambda_function_arn("arn:aws:lambda:us-east-1:123456789012:function:headers:3")
        .event_type(EventType::OriginResponse)
        .build()
        .unwrap();
    let associations = LambdaFunctionAssociations::builder()
        .quantity(1)
        .items(association)
        .build()
        .unwrap();
    let mut config = minimal("one");
    let behaviour = config.default_cache_behavior.as_mut().unwrap();
    behaviour.lambda_function_associations = Some(associations);
    let make =
        |client: &aws_sdk_cloudfront::Client| client.create_distribution().distribution_config(config.clone()).send();
    let (_world, client) = under(&std::fs::read_to_string(SHIPPED).unwrap()).await;
    make(&client).await.unwrap();
    for action in ["lambda:GetFunction", "lambda:EnableReplication*"] {
        let (_world, client) = under(&shipped_but(&format!("\"{action}\""), "\"iam:GetUser\"")).await;
        refusal(make(&client).await)
            .is("InvalidLambdaFunctionAssociation", 400)
            .says(action);
    }
}

#[tokio::test]
async fn what_aws_says_of_an_account_or_a_plan_is_planted_by_its_name() {
    let world = world().await;
    world
        .admin("/faults", json!({"like": "account-not-verified", "times": 1}))
        .await;
    world
        .refused(minimal("one"))
        .await
        .is("AccessDenied", 403)
        .says("AWS Support");
    let (made, etag) = world.create(minimal("one")).await;
    world.admin("/faults", json!({"like": "pricing-plan"})).await;
    let delete = world.cloudfront.delete_distribution().id(made.id()).if_match(etag);
    refusal(delete.send().await)
        .is("PreconditionFailed", 412)
        .says("pricing plan");
    for (name, code) in [
        ("web-acl-unreadable", "InvalidWebACLId"),
        ("certificate-change-in-progress", "IllegalUpdate"),
    ] {
        world.admin("/faults", json!({"like": name})).await;
        refusal(world.update(made.id(), |_| {}).await).is(code, 400);
    }
    world.update(made.id(), |_| {}).await.unwrap();
}
