//! `redirect_to`: every host but one is redirected to that one, and no function stays behind.

use std::time::Instant;

use anyhow::Context as _;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::world::{Instance, PATIENCE, World, domain, organization, world};

/// An apex, and www before it, which answers for both; set up as the status says.
async fn redirecting(world: &World, apex: &str) -> anyhow::Result<Instance> {
    let www = format!("www.{apex}");
    let instance = Instance {
        id: Uuid::new_v4().to_string(),
        domains: vec![apex.to_owned(), www.clone()],
    };
    let parameters = json!({"domains": instance.domains, "redirect_to": www});
    let answer = world
        .platform
        .provision(&instance.id, &organization(), parameters)
        .await?;
    anyhow::ensure!(answer.status == 202, "{} {}", answer.status, answer.text);
    let told = world.told(&instance).await?;
    for domain in &instance.domains {
        world.set_persist(&told, domain).await?;
    }
    Ok(instance)
}

async fn update(world: &World, instance: &Instance, parameters: Value) -> anyhow::Result<()> {
    let answer = world.platform.update(&instance.id, parameters).await?;
    anyhow::ensure!(answer.status == 202, "{} {}", answer.status, answer.text);
    Ok(())
}

async fn updated(world: &World, instance: &Instance, parameters: Value) -> anyhow::Result<()> {
    update(world, instance, parameters).await?;
    world.platform.succeeded(&instance.id, PATIENCE).await?;
    Ok(())
}

/// The instance's functions in CloudFront.
async fn functions(world: &World, instance: &Instance) -> anyhow::Result<usize> {
    let state = world.aws().await?;
    let all = state["functions"].as_array().context("no functions")?;
    let comment = format!("cdn-broker {}", instance.id);
    Ok(all.iter().filter(|function| function["comment"] == comment).count())
}

/// Status and `Location` of a visit by HTTPS.
async fn visited(world: &World, domain: &str, path: &str) -> anyhow::Result<(u16, String)> {
    let visit = world.browser().https(domain, path).await?;
    let location = visit.header("location").unwrap_or_default().to_owned();
    Ok((visit.status, location))
}

/// The host at which somebody arrives who follows redirects from this one; they may be turned around on the way.
async fn arrives(world: &World, domain: &str) -> anyhow::Result<String> {
    let mut host = domain.to_owned();
    for _ in 0..3 {
        let (status, location) = visited(world, &host, "/").await.context(host.clone())?;
        if status == 200 {
            return Ok(host);
        }
        let next = location
            .strip_prefix("https://")
            .and_then(|rest| rest.strip_suffix('/'));
        host = next
            .with_context(|| format!("{host} answered {status} {location}"))?
            .to_owned();
    }
    anyhow::bail!("{domain} leads nowhere, at last to {host}")
}

#[tokio::test]
async fn apex_to_www_with_path_and_query_and_back_without_a_trace() -> anyhow::Result<()> {
    let world = world().await;
    let instance = redirecting(world, &domain("apex")).await?;
    world.platform.succeeded(&instance.id, PATIENCE).await?;
    let [apex, www] = instance.domains.as_slice() else {
        anyhow::bail!("two domains");
    };
    for path in [
        "/",
        "/?",
        "/a%20b/c//d?x=1&y=%2C%20&x=2&flag&empty=&=z",
        "/%C3%BC?q=a+b&q=%26",
    ] {
        let seen = visited(world, apex, path).await?;
        assert_eq!(seen, (301, format!("https://{www}{path}")));
    }
    let seen = visited(world, www, "/page?x=1").await?;
    assert_eq!(seen, (200, String::new()), "the target itself");
    // First to HTTPS, as without a function.
    let plain = world.browser().http(apex, "/page").await?;
    assert_eq!(plain.status, 301);
    assert!(
        plain.header("location").unwrap_or_default().contains(apex),
        "{:?}",
        plain.headers
    );
    // A CA that looks at a challenge gets an answer, whatever name it asks.
    let challenge = world.browser().http(apex, "/.well-known/acme-challenge/none").await?;
    assert_eq!(challenge.status, 404, "{:?}", challenge.headers);
    assert_eq!(functions(world, &instance).await?, 1);

    // Turned around, in the function that is there.
    updated(world, &instance, json!({"redirect_to": apex})).await?;
    let seen = visited(world, www, "/page?x=1&x=2").await?;
    assert_eq!(seen, (301, format!("https://{apex}/page?x=1&x=2")));
    assert_eq!(visited(world, apex, "/").await?.0, 200);
    assert_eq!(functions(world, &instance).await?, 1);

    updated(world, &instance, json!({"redirect_to": null})).await?;
    world.serves(&instance).await?;
    assert_eq!(functions(world, &instance).await?, 0);

    // To a host elsewhere go all of them.
    updated(world, &instance, json!({"redirect_to": "elsewhere.example.net"})).await?;
    for domain in &instance.domains {
        let seen = visited(world, domain, "/page").await?;
        assert_eq!(seen, (301, "https://elsewhere.example.net/page".to_owned()));
    }

    world.delete(&instance).await?;
    assert_eq!(functions(world, &instance).await?, 0);
    Ok(())
}

#[tokio::test]
async fn a_new_domain_is_redirected_to_only_when_it_is_served() -> anyhow::Result<()> {
    let world = world().await;
    let mut instance = redirecting(world, &domain("apex")).await?;
    world.platform.succeeded(&instance.id, PATIENCE).await?;
    let (www, new) = (instance.domains[1].clone(), format!("new.{}", instance.domains[0]));
    instance.domains.push(new.clone());
    update(
        world,
        &instance,
        json!({"domains": instance.domains, "redirect_to": new}),
    )
    .await?;
    let told = world.told(&instance).await?;
    assert_eq!(visited(world, &www, "/").await?.0, 200, "nothing was changed yet");
    world.set_persist(&told, &new).await?;
    // Whoever follows the redirects always arrives, until it is done and after.
    let deadline = Instant::now() + PATIENCE;
    while arrives(world, &instance.domains[0]).await? != new {
        let answer = world.platform.last_operation(&instance.id).await?;
        anyhow::ensure!(
            answer.state() != "failed" && Instant::now() < deadline,
            "{}",
            answer.text
        );
    }
    world.platform.succeeded(&instance.id, PATIENCE).await?;
    assert_eq!(visited(world, &www, "/x").await?, (301, format!("https://{new}/x")));
    world.delete(&instance).await
}

#[tokio::test]
async fn what_fails_leaves_no_function_behind() -> anyhow::Result<()> {
    let world = world().await;
    // An update, refused by CloudFront when the function is made already.
    let instance = world.created(&organization(), &[domain("stays")]).await?;
    let foreign = domain("foreign");
    world.aws_admin("foreign-alias", json!({"alias": foreign})).await?;
    let domains = json!([instance.domains[0], foreign]);
    update(world, &instance, json!({"domains": domains, "redirect_to": foreign})).await?;
    let told = world.told(&instance).await?;
    world.set_persist(&told, &foreign).await?;
    world.platform.failed(&instance.id, PATIENCE).await?;
    assert_eq!(functions(world, &instance).await?, 0);
    world.serves(&instance).await?;
    world.delete(&instance).await?;

    // A provision, refused likewise.
    let apex = domain("apex");
    world
        .aws_admin("foreign-alias", json!({"alias": format!("www.{apex}")}))
        .await?;
    let instance = redirecting(world, &apex).await?;
    world.platform.failed(&instance.id, PATIENCE).await?;
    assert_eq!(functions(world, &instance).await?, 0);
    world.delete(&instance).await?;
    assert_eq!(world.distributions(&instance).await?.len(), 0);
    Ok(())
}
