//! The CA's certificate profile (draft-ietf-acme-profiles) is the operator's choice: its certificates serve and are renewed, and
//! more names than they hold are refused at the door.

use anyhow::{Context as _, ensure};
use customer::Visit;
use serde_json::json;
use stack::Options;

use crate::cdnctl::operate;
use crate::world::{World, domain, organization, until};

fn lives_for_six_days(visit: &Visit) -> anyhow::Result<()> {
    let (from, until) = visit.validity.context("a certificate")?;
    let lives = (until - from).whole_seconds();
    ensure!((lives - 6 * 86_400).abs() < 60, "{lives} s");
    Ok(())
}

#[tokio::test]
async fn certificates_are_of_the_operators_profile_and_its_limit_of_names_is_told_at_the_door() -> anyhow::Result<()> {
    let options = ["broker-api", "certificate-issuer"]
        .iter()
        .fold(Options::fast(), |options, service| {
            options.with_env(service, "ACME_PROFILE", "shortlived")
        })
        .with_env("certificate-issuer", "RENEWAL_INFO_INTERVAL", "0s");
    let world = World::own(options).await?;
    let name = domain("short");
    let many: Vec<String> = (0..26).map(|n| format!("d{n}.{name}")).collect();
    let refused = world
        .platform
        .provision("many", &organization(), json!({ "domains": many }))
        .await?;
    assert_eq!(refused.status, 400, "{}", refused.text);
    assert!(
        refused.text.contains("profile shortlived holds at most 25"),
        "{}",
        refused.text
    );

    let instance = world.created(&organization(), std::slice::from_ref(&name)).await?;
    let first = world.visit(&name).await?;
    lives_for_six_days(&first)?;
    assert_eq!(operate(&world.handle, &["renew", &instance.id]).await?.code, Some(0));
    until("the next certificate is served", async || {
        Ok(world.visit(&name).await?.serial != first.serial)
    })
    .await?;
    lives_for_six_days(&world.visit(&name).await?)?;
    world.delete(&instance).await
}
