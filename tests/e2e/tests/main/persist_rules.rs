//! A set-once record counts only when it names this tenant's account at this CA, now.

use customer::status;

use crate::world::{PATIENCE, domain, organization, world};

/// Puts `wrong` in place, reads what the status says of it, then puts the right record beside it and sees it succeed.
async fn refused_then_right(wrong: impl Fn(&str) -> String, says: &str) -> anyhow::Result<()> {
    let world = world().await;
    let instance = world.create(&[domain("persist-rule")]).await?;
    let told = world.told(&instance).await?;
    let value = status::persist_value(&told).expect("a set-once record");
    assert!(
        !value.contains(char::is_whitespace),
        "cf breaks lines at blanks: {value}"
    );
    let record = format!("_validation-persist.{}", instance.domains[0]);
    world.dns.set_txt(&record, &wrong(&value)).await?;
    let answer = world.says(&instance, says).await?;
    assert!(
        answer.description().starts_with("Waiting for you"),
        "{}",
        answer.description()
    );
    assert_eq!(world.orders(&instance).await?, 1, "the CA was not asked in vain");
    // Records of several CAs and accounts may stand side by side.
    world.dns.set_txt(&record, &value).await?;
    world.platform.succeeded(&instance.id, PATIENCE).await?;
    world.serves(&instance).await
}

#[tokio::test]
async fn a_record_for_another_account_is_told() -> anyhow::Result<()> {
    refused_then_right(|value| format!("{value}999"), "another account").await
}

#[tokio::test]
async fn a_record_for_another_ca_is_told() -> anyhow::Result<()> {
    refused_then_right(
        |value| value.replace("pebble.test", "other-ca.example"),
        "other-ca.example",
    )
    .await
}

#[tokio::test]
async fn an_expired_record_is_told() -> anyhow::Result<()> {
    refused_then_right(|value| format!("{value}; persistUntil=1700000000"), "2023-11-14").await
}

#[tokio::test]
async fn a_record_that_cas_judge_differently_is_told_with_what_to_write_and_is_not_in_place() -> anyhow::Result<()> {
    let says = "may be refused by the CA (the CA's domain is written \"Pebble.Test\", and not every CA accepts capitals): \
                write \"pebble.test;accounturi=";
    refused_then_right(|value| value.replace("pebble.test", "Pebble.Test"), says).await
}

#[tokio::test]
async fn the_next_tenant_gets_nothing_from_a_record_that_the_owner_left() -> anyhow::Result<()> {
    let world = world().await;
    let name = domain("left-behind");
    let owner = world.created(&organization(), std::slice::from_ref(&name)).await?;
    world.delete(&owner).await?;
    // The owner's record still stands, and the domain may still point at CloudFront.
    let next = world.create(std::slice::from_ref(&name)).await?;
    let answer = world.says(&next, "another account").await?;
    assert!(
        answer.description().starts_with("Waiting for you: 1 of 1"),
        "{}",
        answer.description()
    );
    let issued: i64 = world
        .sql()
        .await?
        .query_one("select count(*) from certificates where instance_id = $1", &[&next.id])
        .await?
        .get(0);
    assert_eq!(issued, 0);
    Ok(())
}
