//! The type of certificates' keys is the plan's: a second broker-api has a catalog that says P-256, the shared one's says nothing.

use customer::Platform;
use serde_json::{Value, json};

use crate::catalog::{EXAMPLE, started};
use crate::cdnctl::operate;
use crate::world::{Instance, PATIENCE, World, domain, organization, until, world};

async fn key_bits(world: &World, instance: &Instance) -> anyhow::Result<usize> {
    Ok(world.visit(&instance.domains[0]).await?.key_bits)
}

#[tokio::test]
async fn a_plan_has_certificates_of_its_own_key_type() -> anyhow::Result<()> {
    let (world, folder) = (world().await, tempfile::tempdir()?);
    let mut catalog: Value = serde_json::from_str(EXAMPLE)?;
    catalog["services"][0]["plans"][0]["settings"]["certificate_key_type"] = "ecdsa-p256".into();
    std::fs::write(folder.path().join("catalog.json"), catalog.to_string())?;
    let (_broker, url) = started(world, folder.path()).await?;
    let cf = Platform::new(&url, "cf", "hunter2-eu")?;
    let instance = Instance {
        id: uuid::Uuid::new_v4().to_string(),
        domains: vec![domain("p256")],
    };
    let asked = json!({"domains": instance.domains});
    let answer = cf.provision(&instance.id, &organization(), asked).await?;
    assert_eq!(answer.status, 202, "{}", answer.text);
    let told = world.told(&instance).await?;
    world.set_persist(&told, &instance.domains[0]).await?;
    cf.succeeded(&instance.id, PATIENCE).await?;
    assert_eq!(key_bits(world, &instance).await?, 256);

    // Another plan's word is heard with the next update, and is what the next certificate has.
    let answer = world.platform.update(&instance.id, json!({"timestamp": "now"})).await?;
    assert_eq!(answer.status, 202, "{}", answer.text);
    world.platform.succeeded(&instance.id, PATIENCE).await?;
    assert_eq!(key_bits(world, &instance).await?, 256, "nobody asked for another");
    assert_eq!(operate(&world.handle, &["renew", &instance.id]).await?.code, Some(0));
    until("the next certificate is served", async || {
        Ok(key_bits(world, &instance).await? == 2048)
    })
    .await?;
    world.delete(&instance).await
}
