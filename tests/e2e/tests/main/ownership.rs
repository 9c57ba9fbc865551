//! A domain belongs to whoever proved it: asking for it gives no right, and squatting does not work.

use serde_json::json;
use uuid::Uuid;

use crate::world::{PATIENCE, domain, organization, world};

#[tokio::test]
async fn of_two_organizations_the_one_that_proves_the_domain_gets_it_and_the_other_is_told() -> anyhow::Result<()> {
    let world = world().await;
    let name = domain("wanted");
    let squatter = world.create(std::slice::from_ref(&name)).await?;
    world.told(&squatter).await?;
    let owner = world.created(&organization(), std::slice::from_ref(&name)).await?;
    world.serves(&owner).await?;
    let told = world.platform.failed(&squatter.id, PATIENCE).await?;
    assert!(
        told.description().starts_with(&format!(
            "{name} belongs to another service instance, whose proof is in place"
        )),
        "{}",
        told.description()
    );
    world.delete(&squatter).await?;
    world.serves(&owner).await
}

#[tokio::test]
async fn a_proved_domain_is_refused_at_the_first_look_and_free_after_its_owner_has_left() -> anyhow::Result<()> {
    let world = world().await;
    let name = domain("proved");
    let owner = world.created(&organization(), std::slice::from_ref(&name)).await?;
    let id = Uuid::new_v4().to_string();
    let answer = world
        .platform
        .provision(&id, &organization(), json!({"domains": [name, domain("free")]}))
        .await?;
    assert_eq!(answer.status, 202, "{}", answer.text);
    let failed = world.platform.failed(&id, PATIENCE).await?;
    assert!(
        failed.description().contains(&format!("Leave {name} out")),
        "{}",
        failed.text
    );
    // After the owner has left, the name is free again.
    world.delete(&owner).await?;
    world.create(&[name]).await?;
    Ok(())
}

#[tokio::test]
async fn one_organization_asks_once_also_when_it_asks_twice_at_the_same_time() -> anyhow::Result<()> {
    let world = world().await;
    let (organization, name) = (organization(), domain("twice"));
    let ids: Vec<String> = (0..6).map(|_| Uuid::new_v4().to_string()).collect();
    let mut asked = Vec::new();
    for id in &ids {
        let (id, organization, name) = (id.clone(), organization.clone(), name.clone());
        asked.push(tokio::spawn(async move {
            let answer = world
                .platform
                .provision(&id, &organization, json!({"domains": name}))
                .await;
            answer.map(|answer| answer.status)
        }));
    }
    let mut statuses = Vec::new();
    for one in asked {
        statuses.push(one.await??);
    }
    statuses.sort_unstable();
    assert_eq!(statuses, [202, 400, 400, 400, 400, 400]);
    Ok(())
}

#[tokio::test]
async fn the_same_request_again_is_the_same_operation_and_another_is_a_conflict() -> anyhow::Result<()> {
    let world = world().await;
    let (organization, name) = (organization(), domain("again"));
    let id = Uuid::new_v4().to_string();
    let parameters = json!({"domains": [name]});
    let first = world.platform.provision(&id, &organization, parameters.clone()).await?;
    let again = world
        .platform
        .provision(
            &id,
            &organization,
            json!({"domain": format!(" {}. ", name.to_uppercase())}),
        )
        .await?;
    assert_eq!((first.status, again.status), (202, 202), "{}", again.text);
    assert_eq!(first.body["operation"], again.body["operation"]);
    let other = world
        .platform
        .provision(&id, &organization, json!({"domains": [domain("other")]}))
        .await?;
    assert_eq!(other.status, 409, "{}", other.text);
    assert!(
        other.description().ends_with("what differs: parameters.domains."),
        "{}",
        other.text
    );
    let instance = crate::world::Instance {
        id: id.clone(),
        domains: vec![name.clone()],
    };
    let told = world.told(&instance).await?;
    world.set_persist(&told, &name).await?;
    world.platform.succeeded(&id, PATIENCE).await?;
    assert_eq!(
        world
            .platform
            .provision(&id, &organization, parameters.clone())
            .await?
            .status,
        200
    );
    world.delete(&instance).await?;
    assert_eq!(world.platform.deprovision(&id).await?.status, 410);
    assert_eq!(
        world.platform.provision(&id, &organization, parameters).await?.status,
        409,
        "a used id"
    );
    Ok(())
}
