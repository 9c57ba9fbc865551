//! A CloudFront that is newer than the AWS SDK: what the SDK does not know of a configuration is there after every write of ours.

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};

use crate::cdnctl::operate;
use crate::world::{Instance, PATIENCE, World, domain, organization, until, world};

/// Where members are planted that no SDK knows.
const PLACES: [&str; 6] = [
    "",
    "Origins/Items/Origin",
    "Origins/Items/Origin/CustomOriginConfig",
    "DefaultCacheBehavior",
    "CacheBehaviors/Items/CacheBehavior",
    "ViewerCertificate",
];

/// Enumerations that are no business of ours, and what is planted there.
const VALUES: [(&str, &str); 2] = [
    ("ConnectionMode", "newer-mode"),
    (
        "Origins/Items/Origin/CustomOriginConfig/OriginSslProtocols/Items/SslProtocol",
        "TLSv9",
    ),
];

async fn config(world: &World, instance: &Instance) -> anyhow::Result<Value> {
    let found = world.distributions(instance).await?;
    Ok(found.first().context("a distribution")?["config"].clone())
}

/// Every planted member with all that is in it, and how often a planted value is there.
fn planted(config: &Value) -> (Vec<String>, usize) {
    match config {
        Value::Object(members) => members
            .iter()
            .fold((Vec::new(), 0), |(mut all, values), (name, value)| {
                if name.starts_with("Newer") {
                    all.push(format!("{name} {value}"));
                }
                let (inside, more) = planted(value);
                all.extend(inside);
                (all, values + more)
            }),
        Value::Array(items) => items
            .iter()
            .map(planted)
            .fold((Vec::new(), 0), |(mut all, values), one| {
                all.extend(one.0);
                (all, values + one.1)
            }),
        Value::String(text) => (Vec::new(), usize::from(VALUES.iter().any(|(_, value)| value == text))),
        _ => (Vec::new(), 0),
    }
}

async fn plant(world: &World, instance: &Instance) -> anyhow::Result<()> {
    let found = world.distributions(instance).await?;
    let id = &found.first().context("a distribution")?["id"];
    for (number, path) in PLACES.iter().enumerate() {
        let xml =
            format!("<Newer{number}><Quantity>1</Quantity><Items><A>1 &amp; 2</A></Items><B><C/></B></Newer{number}>");
        let member = json!({"distribution": id, "path": path, "xml": xml});
        world.aws_admin("newer", member).await?;
    }
    for (path, value) in VALUES {
        world
            .aws_admin("newer", json!({"distribution": id, "path": path, "value": value}))
            .await?;
    }
    Ok(())
}

#[tokio::test]
async fn what_the_sdk_does_not_know_survives_every_write() -> anyhow::Result<()> {
    let world = world().await;
    let instance = world.created(&organization(), &[domain("newer")]).await?;
    plant(world, &instance).await?;
    let before = planted(&config(world, &instance).await?);
    // Two origins: the user's and the responder's.
    ensure!(before.0.len() == PLACES.len() + 2 && before.1 == 3, "{before:?}");

    let update = json!({"path": "/elsewhere", "headers": ["X-Newer"], "error_responses": {"404": "/none.html"}});
    assert_eq!(world.platform.update(&instance.id, update).await?.status, 202);
    world.platform.succeeded(&instance.id, PATIENCE).await?;
    let configured = config(world, &instance).await?;
    ensure!(configured.to_string().contains("/elsewhere"), "{configured}");
    assert_eq!(planted(&configured), before, "after an update");

    let served = world.serial(&instance).await?;
    let renewed = operate(&world.handle, &["renew", &instance.id]).await?;
    assert_eq!(renewed.code, Some(0));
    until("the renewed certificate is served", async || {
        Ok(world.serial(&instance).await? != served)
    })
    .await?;
    assert_eq!(planted(&config(world, &instance).await?), before, "after a renewal");

    // The simulator, like AWS, refuses to disable a distribution by a write that leaves out what it returned.
    world.delete(&instance).await
}
