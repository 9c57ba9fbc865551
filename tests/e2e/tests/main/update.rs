//! Updates: only what was asked for changes, nothing is interrupted, and what fails changes nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use crate::world::{Instance, PATIENCE, World, domain, organization, world};

async fn update(world: &World, instance: &Instance, parameters: Value) -> anyhow::Result<String> {
    let answer = world.platform.update(&instance.id, parameters).await?;
    anyhow::ensure!(answer.status == 202, "{} {}", answer.status, answer.text);
    Ok(answer.body["operation"].as_str().unwrap_or_default().to_owned())
}

async fn parameters(world: &World, instance: &Instance) -> anyhow::Result<Value> {
    let path = format!("/v2/service_instances/{}", instance.id);
    let answer = world.platform.call(Method::GET, &path, None).await?;
    anyhow::ensure!(answer.status == 200, "{} {}", answer.status, answer.text);
    let mut parameters = answer.body["parameters"].clone();
    // What it tells beside what was asked for.
    let told = parameters.as_object_mut().and_then(|all| all.remove("status"));
    anyhow::ensure!(
        told.is_some_and(|told| told["cname_target"].is_string()),
        "{}",
        answer.text
    );
    Ok(parameters)
}

async fn config(world: &World, instance: &Instance) -> anyhow::Result<Value> {
    let found = world.distributions(instance).await?;
    anyhow::ensure!(found.len() == 1, "{found:?}");
    Ok(found[0].clone())
}

/// Asks for a domain by HTTPS again and again until it is told to stop; how often, and how often it failed.
async fn probe(world: &'static World, domain: String, stop: Arc<AtomicBool>) -> (usize, Vec<String>) {
    let (mut asked, mut failed) = (0, Vec::new());
    while !stop.load(Ordering::Relaxed) {
        asked += 1;
        match world.browser().https(&domain, "/").await {
            Ok(visit) if visit.status == 200 => {}
            Ok(visit) => failed.push(visit.status.to_string()),
            Err(error) => failed.push(format!("{error:#}")),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    (asked, failed)
}

#[tokio::test]
async fn settings_change_without_an_order_and_null_puts_them_back() -> anyhow::Result<()> {
    let world = world().await;
    let instance = world.created(&organization(), &[domain("settings")]).await?;
    let before = parameters(world, &instance).await?;
    update(
        world,
        &instance,
        json!({"path": "/shop", "default_ttl": 60, "error_responses": {"404": "/lost.html"}, "hsts": true, "http3": true}),
    )
    .await?;
    let answer = world.platform.succeeded(&instance.id, PATIENCE).await?;
    assert!(answer.description().starts_with("Updated."), "{}", answer.description());
    assert_eq!(parameters(world, &instance).await?["path"], "/shop");
    let changed = config(world, &instance).await?["config"].to_string();
    for sign in [
        "/shop",
        "/lost.html",
        "http2and3",
        "67f7725c-6f97-4210-82d7-5512b31e9d03",
    ] {
        assert!(changed.contains(sign), "no {sign} in {changed}");
    }
    world.serves(&instance).await?;
    update(
        world,
        &instance,
        json!({"path": null, "default_ttl": null, "error_responses": null, "hsts": null, "http3": null}),
    )
    .await?;
    world.platform.succeeded(&instance.id, PATIENCE).await?;
    assert_eq!(parameters(world, &instance).await?, before);
    assert!(
        !config(world, &instance).await?["config"]
            .to_string()
            .contains("/lost.html")
    );
    // What an update must send back, and what is new in it.
    update(
        world,
        &instance,
        json!({"headers": ["Accept"], "cookies": ["session"], "failover_origin": "standby.example.net"}),
    )
    .await?;
    world.platform.succeeded(&instance.id, PATIENCE).await?;
    let changed = config(world, &instance).await?["config"].to_string();
    for sign in ["ACCEPT", "session", "standby.example.net"] {
        assert!(changed.contains(sign), "no {sign} in {changed}");
    }
    update(
        world,
        &instance,
        json!({"headers": null, "cookies": null, "failover_origin": null}),
    )
    .await?;
    world.platform.succeeded(&instance.id, PATIENCE).await?;
    assert!(
        !config(world, &instance).await?["config"]
            .to_string()
            .contains("standby")
    );
    assert_eq!(world.orders(&instance).await?, 1, "no order but the provision's");
    world.serves(&instance).await
}

#[tokio::test]
async fn a_domain_is_added_without_a_moment_of_interruption_and_the_old_certificate_goes() -> anyhow::Result<()> {
    let world = world().await;
    let (first, second) = (domain("stays"), domain("added"));
    let mut instance = world.created(&organization(), std::slice::from_ref(&first)).await?;
    let stop = Arc::new(AtomicBool::new(false));
    let prober = tokio::spawn(probe(world, first.clone(), stop.clone()));
    update(world, &instance, json!({"domains": [first, second]})).await?;
    let told = world.told(&instance).await?;
    assert!(
        told.contains("Until then the service keeps working unchanged"),
        "{told}"
    );
    world.set_persist(&told, &second).await?;
    world.platform.succeeded(&instance.id, PATIENCE).await?;
    stop.store(true, Ordering::Relaxed);
    let (asked, failed) = prober.await?;
    assert!(asked > 20 && failed.is_empty(), "{asked} visits, failed: {failed:?}");
    instance.domains.push(second.clone());
    world.serves(&instance).await?;
    let state = world.aws().await?;
    let with_first = state["certificates"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|certificate| certificate["names"].to_string().contains(&first))
        .count();
    assert_eq!(with_first, 1, "the certificate before is retired");
    world.delete(&instance).await
}

#[tokio::test]
async fn a_domain_that_is_removed_needs_no_certificate_and_is_free_for_others() -> anyhow::Result<()> {
    let world = world().await;
    let (kept, removed) = (domain("kept"), domain("removed"));
    let instance = world.created(&organization(), &[kept.clone(), removed.clone()]).await?;
    update(world, &instance, json!({"domains": [kept]})).await?;
    world.platform.succeeded(&instance.id, PATIENCE).await?;
    assert_eq!(world.orders(&instance).await?, 1, "no order but the provision's");
    let visit = world.browser().https(&kept, "/").await?;
    assert_eq!(visit.status, 200);
    // No alias any more, whatever certificate the edge shows for it.
    let stranger = world.browser().https_with_host(&kept, &removed, "/").await?;
    assert_eq!(stranger.status, 403);
    // It would still be in the certificate; but who gave it up has to prove it again.
    update(world, &instance, json!({"domains": [kept, removed]})).await?;
    world.platform.succeeded(&instance.id, PATIENCE).await?;
    assert_eq!(world.orders(&instance).await?, 2, "a new order proves it");
    update(world, &instance, json!({"domains": [kept]})).await?;
    world.platform.succeeded(&instance.id, PATIENCE).await?;
    let heir = world.created(&organization(), &[removed]).await?;
    world.serves(&heir).await
}

#[tokio::test]
async fn an_update_that_fails_changes_nothing_and_can_be_replaced() -> anyhow::Result<()> {
    let world = world().await;
    let (first, foreign) = (domain("own"), domain("foreign"));
    let instance = world.created(&organization(), std::slice::from_ref(&first)).await?;
    let before = parameters(world, &instance).await?;
    world.aws_admin("foreign-alias", json!({"alias": foreign})).await?;
    update(world, &instance, json!({"domains": [first, foreign], "path": "/new"})).await?;
    let told = world.told(&instance).await?;
    world.set_persist(&told, &foreign).await?;
    let failed = world.platform.failed(&instance.id, PATIENCE).await?;
    assert!(failed.description().contains(&foreign), "{}", failed.text);
    assert!(failed.description().contains("Nothing was changed"), "{}", failed.text);
    assert_eq!(failed.body["instance_usable"], true);
    assert_eq!(failed.body["update_repeatable"], true);
    assert_eq!(parameters(world, &instance).await?, before);
    world.serves(&instance).await?;
    update(world, &instance, json!({"path": "/other"})).await?;
    world.platform.succeeded(&instance.id, PATIENCE).await?;
    world.serves(&instance).await?;
    // The domain that came to nothing is not kept from others.
    let claims = world
        .sql()
        .await?
        .query_one("select count(*) from claims where domain = $1", &[&foreign])
        .await?;
    assert_eq!(claims.get::<_, i64>(0), 0);
    world.delete(&instance).await
}

#[tokio::test]
async fn one_operation_at_a_time_and_the_same_request_is_the_same_operation() -> anyhow::Result<()> {
    let world = world().await;
    let first = domain("busy");
    let instance = world.create(std::slice::from_ref(&first)).await?;
    let busy = world.platform.update(&instance.id, json!({"path": "/a"})).await?;
    assert_eq!(
        (busy.status, &busy.body["error"]),
        (422, &json!("ConcurrencyError")),
        "{}",
        busy.text
    );
    let told = world.told(&instance).await?;
    world.set_persist(&told, &first).await?;
    world.platform.succeeded(&instance.id, PATIENCE).await?;

    // Nothing sets the record of the second, so this one waits.
    let wanted = json!({"domains": [first, domain("waits")]});
    let operation = update(world, &instance, wanted.clone()).await?;
    assert_eq!(update(world, &instance, wanted).await?, operation);
    let other = world.platform.update(&instance.id, json!({"path": "/b"})).await?;
    assert_eq!(
        (other.status, &other.body["error"]),
        (422, &json!("ConcurrencyError")),
        "{}",
        other.text
    );
    let path = format!("/v2/service_instances/{}", instance.id);
    let fetched = world.platform.call(Method::GET, &path, None).await?;
    assert_eq!(
        (fetched.status, &fetched.body["error"]),
        (422, &json!("ConcurrencyError")),
        "{}",
        fetched.text
    );

    let answer = world.platform.deprovision(&instance.id).await?;
    assert_eq!(answer.status, 202, "{}", answer.text);
    let path = format!(
        "/v2/service_instances/{}/last_operation?operation={operation}",
        instance.id
    );
    let superseded = world.platform.call(Method::GET, &path, None).await?;
    assert_eq!(superseded.state(), "failed", "{}", superseded.text);
    assert!(
        superseded.description().contains("being deleted"),
        "{}",
        superseded.text
    );
    world.platform.succeeded(&instance.id, PATIENCE).await?;
    assert!(world.distributions(&instance).await?.is_empty());
    let gone = world.platform.update(&instance.id, json!({"path": "/c"})).await?;
    assert_eq!(gone.status, 404, "{}", gone.text);
    Ok(())
}

#[tokio::test]
async fn what_is_so_already_is_answered_at_once_and_a_timestamp_asks_for_another_look() -> anyhow::Result<()> {
    let world = world().await;
    let instance = world.created(&organization(), &[domain("drift")]).await?;
    let nothing = world.platform.update(&instance.id, json!({})).await?;
    assert_eq!((nothing.status, nothing.beside_the_link()), (200, json!({})));
    let refused = world.platform.update(&instance.id, json!({"path": "no slash"})).await?;
    assert_eq!(refused.status, 400, "{}", refused.text);
    update(world, &instance, json!({"timestamp": "2026-11-24"})).await?;
    world.platform.succeeded(&instance.id, PATIENCE).await?;
    world.serves(&instance).await
}

#[tokio::test]
async fn a_certificate_that_ends_soon_is_replaced_when_another_look_is_asked_for() -> anyhow::Result<()> {
    let world = world().await;
    let instance = world.created(&organization(), &[domain("ends-soon")]).await?;
    let before = world.browser().https(&instance.domains[0], "/").await?.serial;
    // As if most of its life was over.
    world
        .sql()
        .await?
        .execute(
            "update certificates set not_before = now() - interval '80 days', not_after = now() + interval '10 days' \
             where instance_id = $1",
            &[&instance.id],
        )
        .await?;
    update(world, &instance, json!({"timestamp": "2026-11-25"})).await?;
    world.platform.succeeded(&instance.id, PATIENCE).await?;
    assert_eq!(world.orders(&instance).await?, 2, "an order for another one");
    world.serves(&instance).await?;
    assert_ne!(world.browser().https(&instance.domains[0], "/").await?.serial, before);
    Ok(())
}
