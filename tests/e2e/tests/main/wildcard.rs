//! `*.example.com`: proved by one record at `example.com`, served below it, and no way into anybody else's name.

use customer::status;
use serde_json::json;

use crate::cdnctl::{look, operate};
use crate::world::{Instance, PATIENCE, World, domain, organization, until, world};

/// The certificate's names and serial number as a visitor of a name sees them.
async fn seen(world: &World, name: &str) -> anyhow::Result<(Vec<String>, String)> {
    let visit = world.visit(name).await?;
    Ok((visit.names, visit.serial))
}

fn wildcard_of(name: &str) -> String {
    format!("*.{name}")
}

/// An instance that serves a wildcard, by a set-once record.
async fn serving_wildcard(world: &World, name: &str) -> anyhow::Result<Instance> {
    let instance = world.create(&[wildcard_of(name)]).await?;
    let told = world.told(&instance).await?;
    world.set_persist(&told, name).await?;
    world.platform.succeeded(&instance.id, PATIENCE).await?;
    Ok(instance)
}

#[tokio::test]
async fn one_record_set_once_is_enough_for_a_wildcard_and_its_apex_for_ever() -> anyhow::Result<()> {
    let world = world().await;
    let apex = domain("wild");
    let wildcard = wildcard_of(&apex);
    let instance = world.create(&[apex.clone(), wildcard.clone()]).await?;
    let told = world.told(&instance).await?;
    let value = status::persist_value(&told).expect("a set-once record");
    assert!(value.ends_with(";policy=wildcard"), "{told}");
    let record = format!("_validation-persist.{apex}");
    let told_once = format!("{record} TXT \"{value}\"");
    assert_eq!(told.matches(&told_once).count(), 1, "one record for both: {told}");

    // Without the policy it is good for the apex alone, and the status says what is missing.
    let plain = value.replace(";policy=wildcard", "");
    world.dns.set_txt(&record, &plain).await?;
    let alone = "the apex is verified, and what the wildcard lacks is shown";
    world
        .platform
        .poll(&instance.id, PATIENCE, alone, |answer| {
            let text = answer.description();
            text.starts_with("Waiting for you: 1 of 2") && text.contains("lacks policy=wildcard")
        })
        .await?;
    world.dns.clear_txt(&record).await?;
    world.dns.set_txt(&record, &value).await?;
    world.platform.succeeded(&instance.id, PATIENCE).await?;

    let names = vec![wildcard.clone(), apex.clone()];
    let (shop, deeper) = (format!("shop.{apex}"), format!("a.b.{apex}"));
    let (served, first) = seen(world, &shop).await?;
    assert_eq!(served, names);
    assert_eq!(seen(world, &apex).await?, (names, first.clone()));
    assert!(world.browser().https(&deeper, "/").await.is_err(), "one label");

    // An operator finds it by a name below, and sees it as that.
    let found = operate(&world.handle, &["instances", "--domain", &shop, "--json"]).await?;
    assert_eq!(found.json()?[0]["id"], instance.id.as_str(), "{}", found.text);
    let root = world.handle.endpoints().pebble_root_pem.as_path();
    let said = look(world, &instance, root, &["--label", "shop", "--json"]).await?;
    let looked = &said.json()?["domains"];
    for (at, name) in [(0, &shop), (1, &apex)] {
        assert_eq!(looked[at]["name"], name.as_str(), "{}", said.text);
        assert_eq!(looked[at]["persist"], "set", "{}", said.text);
        assert_eq!(looked[at]["tls"]["state"], "verified", "{}", said.text);
        assert_eq!(looked[at]["certificate"]["attached"], true, "{}", said.text);
    }

    // Renewed without anybody doing anything.
    assert_eq!(operate(&world.handle, &["renew", &instance.id]).await?.code, Some(0));
    until("the next certificate is served", async || {
        Ok(seen(world, &shop).await?.1 != first)
    })
    .await?;
    Ok(())
}

#[tokio::test]
async fn this_orders_txt_records_side_by_side_prove_a_wildcard_and_its_apex() -> anyhow::Result<()> {
    let world = world().await;
    let apex = domain("wild-dns01");
    let wildcard = wildcard_of(&apex);
    let instance = world.create(&[apex.clone(), wildcard.clone()]).await?;
    let told = world.told(&instance).await?;
    let values = status::dns01_values(&told, &apex);
    assert_eq!(values.len(), 2, "one for each: {told}");
    assert_ne!(values[0], values[1]);
    assert!(!told.contains(&format!("http://{wildcard}")), "{told}");
    let record = format!("_acme-challenge.{apex}");
    world.dns.set_txt(&record, &values[1]).await?;
    let answer = world.says(&instance, "Waiting for you: 1 of 2").await?;
    let told = answer.description();
    // Whichever of the two it is for: the other one's value is what is left to set.
    assert!(
        told.contains(&format!("Verified, 1 of 2: {wildcard}."))
            || told.contains(&format!("Verified, 1 of 2: {apex}.")),
        "{told}"
    );
    assert_eq!(status::dns01_values(told, &apex), [values[0].as_str()], "{told}");
    world.dns.set_txt(&record, &values[0]).await?;
    world.platform.succeeded(&instance.id, PATIENCE).await?;
    assert_eq!(seen(world, &format!("x.{apex}")).await?.0, [wildcard, apex]);
    Ok(())
}

#[tokio::test]
async fn a_name_below_anothers_wildcard_is_had_by_whoever_proves_it_and_by_nobody_else() -> anyhow::Result<()> {
    let world = world().await;
    let apex = domain("wild-owner");
    let owner = serving_wildcard(world, &apex).await?;
    let (www, other) = (format!("www.{apex}"), format!("other.{apex}"));
    // Every name below leads to the edge, and there to the owner's distribution: a stranger's token is not answered by it.
    world.dns.add_a(&www, &[&world.edge()]).await?;
    let stranger = world.create(std::slice::from_ref(&www)).await?;
    world.told(&stranger).await?;
    let answer = world.says(&stranger, "HTTP 404").await?;
    assert!(
        answer.description().starts_with("Waiting for you: 1 of 1"),
        "{}",
        answer.text
    );
    let sql = world.sql().await?;
    let looks = async || -> anyhow::Result<i32> {
        let query = "select s.attempt from steps s join operations o on o.id = s.operation_id \
                     where o.instance_id = $1 and s.kind = 'verify-challenge'";
        Ok(sql.query_one(query, &[&stranger.id]).await?.get(0))
    };
    let before = looks().await?;
    until("it was probed twice more", async || Ok(looks().await? > before + 1)).await?;
    assert_eq!(seen(world, &www).await?.0, [wildcard_of(&apex)]);

    // Whoever the zone's owner lets have it by a record has it, and the wildcard goes on beside it.
    let told = world.told(&stranger).await?;
    world.set_persist(&told, &www).await?;
    world.platform.succeeded(&stranger.id, PATIENCE).await?;
    assert_eq!(seen(world, &www).await?.0, std::slice::from_ref(&www));
    assert_eq!(seen(world, &other).await?.0, [wildcard_of(&apex)]);
    world.delete(&stranger).await?;
    assert_eq!(seen(world, &www).await?.0, [wildcard_of(&apex)]);
    world.delete(&owner).await
}

#[tokio::test]
async fn a_name_becomes_the_wildcard_that_it_is_below() -> anyhow::Result<()> {
    let world = world().await;
    let apex = domain("wild-update");
    let (www, wildcard) = (format!("www.{apex}"), wildcard_of(&apex));
    let instance = world.created(&organization(), std::slice::from_ref(&www)).await?;
    let both = json!({"domains": [www, wildcard]});
    let answer = world.platform.update(&instance.id, both).await?;
    assert_eq!(answer.status, 400, "{}", answer.text);
    assert!(
        answer.text.contains("leave") && answer.text.contains(&www),
        "{}",
        answer.text
    );
    let answer = world
        .platform
        .update(&instance.id, json!({"domains": [wildcard]}))
        .await?;
    assert_eq!(answer.status, 202, "{}", answer.text);
    let told = world.told(&instance).await?;
    assert_eq!(
        seen(world, &www).await?.0,
        std::slice::from_ref(&www),
        "as before meanwhile"
    );
    world.set_persist(&told, &apex).await?;
    until("the wildcard takes over", async || {
        Ok(seen(world, &www).await?.0 == std::slice::from_ref(&wildcard))
    })
    .await?;
    world.platform.succeeded(&instance.id, PATIENCE).await?;
    Ok(())
}
