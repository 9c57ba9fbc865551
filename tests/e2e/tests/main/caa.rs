//! CAA records that forbid the CA: told before the CA is asked to verify anything, and mended without another order.

use customer::status;

use crate::world::{Instance, PATIENCE, World, domain, world};

/// No step behind the verifiers' was begun, and there is one order.
async fn the_ca_was_asked_nothing(world: &World, instance: &Instance) -> anyhow::Result<()> {
    let row = world
        .sql()
        .await?
        .query_one(
            "select count(*) from steps s join operations o on o.id = s.operation_id \
             where o.instance_id = $1 and s.kind in ('answer-challenges', 'await-validation', 'finalize-order')",
            &[&instance.id],
        )
        .await?;
    anyhow::ensure!(row.get::<_, i64>(0) == 0, "the CA was asked to verify");
    anyhow::ensure!(world.orders(instance).await? == 1);
    Ok(())
}

#[tokio::test]
async fn the_record_in_the_way_is_named_and_one_more_mends_it() -> anyhow::Result<()> {
    let world = world().await;
    let parent = domain("caa");
    let name = format!("www.{parent}");
    world.dns.add_caa(&parent, &[("issue", "other-ca.example")]).await?;
    let instance = world.create(std::slice::from_ref(&name)).await?;
    let told = world.told(&instance).await?;
    let allows = format!("CAA {parent} allows only \"other-ca.example\" (at ");
    let add = format!("add CAA {parent} 0 issue \"pebble.test\"");
    assert!(
        told.contains(&allows) && told.contains(&add),
        "at the first probe: {told}"
    );

    world.set_persist(&told, &name).await?;
    let answer = world.says(&instance, "it is proved by dns-persist-01, but ").await?;
    let text = answer.description();
    assert!(
        text.starts_with("Waiting for you: 1 of 1 domain needs a DNS record.\n"),
        "{text}"
    );
    let about = status::about(text, &name).join("\n");
    assert!(about.contains(&allows) && about.contains(&add), "{text}");
    assert!(
        !text.contains("TXT"),
        "nothing is asked for that is there already: {text}"
    );
    the_ca_was_asked_nothing(world, &instance).await?;

    world.dns.add_caa(&parent, &[("issue", "pebble.test")]).await?;
    world.platform.succeeded(&instance.id, PATIENCE).await?;
    world.serves(&instance).await?;
    assert_eq!(world.orders(&instance).await?, 1);
    Ok(())
}

#[tokio::test]
async fn a_wildcard_waits_for_issuewild_alone() -> anyhow::Result<()> {
    let world = world().await;
    let apex = domain("caa-wild");
    let wildcard = format!("*.{apex}");
    world
        .dns
        .add_caa(&apex, &[("issue", "pebble.test"), ("issuewild", ";")])
        .await?;
    let instance = world.create(&[apex.clone(), wildcard.clone()]).await?;
    let told = world.told(&instance).await?;
    world.set_persist(&told, &apex).await?;
    let answer = world.says(&instance, "it is proved by dns-persist-01, but ").await?;
    let text = answer.description();
    let about = status::about(text, &wildcard).join("\n");
    assert!(
        about.contains(&format!("CAA {apex} allows no CA a wildcard (issuewild \";\") (at ")),
        "{text}"
    );
    assert!(
        about.contains(&format!("add CAA {apex} 0 issuewild \"pebble.test\"")),
        "{text}"
    );
    world.says(&instance, &format!("Verified, 1 of 2: {apex}.")).await?;
    the_ca_was_asked_nothing(world, &instance).await?;

    world.dns.clear_caa(&apex).await?;
    world.platform.succeeded(&instance.id, PATIENCE).await?;
    assert_eq!(world.orders(&instance).await?, 1);
    Ok(())
}
