//! What AWS says for reasons that no service model tells apart: each in the words of public reports, and what comes of it.

use anyhow::{Context as _, ensure};
use serde_json::json;
use stack::Options;

use crate::world::{Instance, PATIENCE, World, domain, organization};

struct Refusal {
    operation: &'static str,
    code: &'static str,
    status: u16,
    message: &'static str,
}

/// From now on the operation is refused.
async fn refuse(world: &World, refusal: &Refusal) -> anyhow::Result<()> {
    let fault = json!({
        "operation": refusal.operation, "code": refusal.code, "status": refusal.status, "message": refusal.message, "percent": 100,
    });
    world.aws_admin("faults", fault).await
}

async fn no_longer(world: &World) -> anyhow::Result<()> {
    let url = format!("{}/faults", world.handle.endpoints().aws_admin_url);
    reqwest::Client::new().delete(url).send().await?.error_for_status()?;
    Ok(())
}

/// The refusal is waited for, with AWS' own words, and when it is over the operation goes on by itself.
async fn is_waited_for(world: &World, instance: &Instance, words: &[&str]) -> anyhow::Result<()> {
    let told = world.says(instance, words.first().context("words")?).await?;
    for words in words {
        ensure!(told.description().contains(words), "{}", told.text);
    }
    no_longer(world).await?;
    world.platform.succeeded(&instance.id, PATIENCE).await?;
    Ok(())
}

#[tokio::test]
async fn what_the_operator_or_time_mends_is_waited_for() -> anyhow::Result<()> {
    let world = World::own(Options::fast()).await?;
    // Every new account (aws-cdk-examples issue 279).
    let unverified = Refusal {
        operation: "CreateDistributionWithTags",
        code: "AccessDenied",
        status: 403,
        message: "Your account must be verified before you can add new CloudFront resources. To verify your account, please contact AWS \
                  Support (https://console.aws.amazon.com/support/home#/) and include this error message.",
    };
    refuse(&world, &unverified).await?;
    let instance = world.create(&[domain("account")]).await?;
    let told = world.told(&instance).await?;
    world.set_persist(&told, &instance.domains[0]).await?;
    is_waited_for(&world, &instance, &["AWS Support", "account must be verified"]).await?;

    let update = |path: &str| json!({"path": path});
    // Without wafv2:GetWebACL (aws-sdk-java issue 2901); a certificate on its way (terraform-provider-aws issue 679).
    let web_acl = Refusal {
        operation: "UpdateDistribution",
        code: "InvalidWebACLId",
        status: 400,
        message: "Unable to verify read permissions on Web ACL. Please retry the request.",
    };
    let in_progress = Refusal {
        operation: "UpdateDistribution",
        code: "IllegalUpdate",
        status: 400,
        message: "Only one viewer certificate change may be in progress at a time.",
    };
    let table = [
        (
            web_acl,
            "/one",
            ["by hand (InvalidWebACLId)", "Unable to verify read permissions"],
        ),
        (
            in_progress,
            "/two",
            ["CloudFront is still deploying", "the certificate before this one"],
        ),
    ];
    for (refusal, path, words) in table {
        refuse(&world, &refusal).await?;
        assert_eq!(world.platform.update(&instance.id, update(path)).await?.status, 202);
        is_waited_for(&world, &instance, &words).await?;
    }
    world.delete(&instance).await
}

#[tokio::test]
async fn a_pricing_plan_is_no_race_of_writers() -> anyhow::Result<()> {
    let world = World::own(Options::fast()).await?;
    let instance = world.created(&organization(), &[domain("plan")]).await?;
    // aws-nuke issue 1024; a stale ETag has the same code.
    let subscribed = Refusal {
        operation: "DeleteDistribution",
        code: "PreconditionFailed",
        status: 412,
        message: "You can't delete this distribution while it's subscribed to a pricing plan.",
    };
    refuse(&world, &subscribed).await?;
    assert_eq!(world.platform.deprovision(&instance.id).await?.status, 202);
    let told = world.says(&instance, "subscribed to a pricing plan").await?;
    assert_eq!(told.state(), "failed", "{}", told.text);
    no_longer(&world).await?;
    world.delete(&instance).await
}

#[tokio::test]
async fn a_certificate_that_is_never_seen_is_given_up_in_time() -> anyhow::Result<()> {
    let mut options = Options::fast().with_env("distribution", "CERTIFICATE_VISIBLE_WITHIN", "1s");
    options.iam_visible_ms = 3_600_000;
    let world = World::own(options).await?;
    let instance = world.create(&[domain("unseen")]).await?;
    let told = world.told(&instance).await?;
    world.set_persist(&told, &instance.domains[0]).await?;
    let told = world
        .says(&instance, "CloudFront does not take the certificate")
        .await?;
    assert_eq!(told.state(), "failed", "{}", told.text);
    world.delete(&instance).await
}
