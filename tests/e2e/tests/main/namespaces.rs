//! A namespace of Kubernetes is a name: who is given it later inherits nothing that was proved for the one before.

use customer::platform::provision_body;
use customer::status;
use pipeline::StepKind;
use reqwest::Method;
use serde_json::json;
use store::{Bounds, Deprovision, Provision, Requester};
use uuid::Uuid;

use crate::records::{Desk, desk};
use crate::world::{Instance, PATIENCE, World, domain, world};

/// As a platform on Kubernetes asks.
async fn asked_in(world: &World, namespace: &str, name: &str) -> anyhow::Result<Instance> {
    let id = Uuid::new_v4().to_string();
    let mut body = provision_body("none", json!({"domains": [name]}));
    body["context"] = json!({"platform": "kubernetes", "clusterid": "cluster-1", "namespace": namespace});
    let path = format!("/v2/service_instances/{id}?accepts_incomplete=true");
    let answer = world.platform.call(Method::PUT, &path, Some(&body)).await?;
    anyhow::ensure!(answer.status == 202, "{} {}", answer.status, answer.text);
    Ok(Instance {
        id,
        domains: vec![name.to_owned()],
    })
}

/// Two names of one zone, whose standing records stay.
#[tokio::test]
async fn a_namespace_that_comes_back_needs_records_of_its_own() -> anyhow::Result<()> {
    let world = world().await;
    let namespace = format!("shop-{}", &Uuid::new_v4().simple().to_string()[..8]);
    let (name, other) = (domain("first"), domain("second"));
    let first = asked_in(world, &namespace, &name).await?;
    let told = world.told(&first).await?;
    world.set_persist(&told, &name).await?;
    world.set_persist(&told, &other).await?;
    world.platform.succeeded(&first.id, PATIENCE).await?;

    // While one lives the account stays: the record that is in place already is enough for the next.
    let second = asked_in(world, &namespace, &other).await?;
    world.platform.succeeded(&second.id, PATIENCE).await?;
    world.delete(&first).await?;
    let again = asked_in(world, &namespace, &name).await?;
    world.platform.succeeded(&again.id, PATIENCE).await?;
    world.delete(&again).await?;
    world.delete(&second).await?;

    // Nothing is left, so whoever has the name now is somebody else: both records stand, and neither is enough.
    let stranger = asked_in(world, &namespace, &name).await?;
    let now = world.told(&stranger).await?;
    assert_ne!(
        status::persist_value(&now),
        status::persist_value(&told),
        "another account"
    );
    assert!(world.browser().https(&name, "/").await.is_err(), "no certificate yet");
    world.set_persist(&now, &name).await?;
    world.platform.succeeded(&stranger.id, PATIENCE).await?;
    world.serves(&stranger).await?;
    world.delete(&stranger).await
}

async fn tenant_of_a_new(desk: &Desk, namespace: &str) -> anyhow::Result<(String, String)> {
    let tasks = desk.provision(namespace, &[domain("n")]).await?;
    let instance = &tasks[0].instance;
    Ok((instance.id.clone(), instance.tenant.clone()))
}

#[tokio::test]
async fn a_name_is_another_tenant_once_all_its_instances_go_and_not_before() -> anyhow::Result<()> {
    let desk = desk().await?;
    let (a, first) = tenant_of_a_new(&desk, "k8s:c/n").await?;
    let (b, same) = tenant_of_a_new(&desk, "k8s:c/n").await?;
    assert_eq!([first.as_str(), same.as_str()], ["k8s:c/n"; 2]);
    for id in [&a, &b] {
        let (third, still) = tenant_of_a_new(&desk, "k8s:c/n").await?;
        assert_eq!(still, "k8s:c/n");
        for id in [id, &third] {
            let removed = desk
                .store
                .deprovision(id, &Requester::default(), desk.schedules())
                .await?;
            assert!(matches!(removed, Deprovision::Accepted { .. }), "{removed:?}");
        }
    }
    assert_eq!(tenant_of_a_new(&desk, "k8s:c/n").await?.1, "k8s:c/n#1");
    assert_eq!(tenant_of_a_new(&desk, "k8s:c/other").await?.1, "k8s:c/other");
    // An organization is always the same.
    let (id, organization) = tenant_of_a_new(&desk, "org-1").await?;
    desk.store
        .deprovision(&id, &Requester::default(), desk.schedules())
        .await?;
    assert_eq!(tenant_of_a_new(&desk, "org-1").await?.1, organization);
    Ok(())
}

#[tokio::test]
async fn of_many_that_begin_at_once_in_a_name_that_comes_back_all_are_one_tenant() -> anyhow::Result<()> {
    let desk = desk().await?;
    let (id, _) = tenant_of_a_new(&desk, "k8s:c/n").await?;
    desk.store
        .deprovision(&id, &Requester::default(), desk.schedules())
        .await?;
    let new: Vec<_> = (0..6)
        .map(|_| desk.new_instance("k8s:c/n", &[domain("once")]))
        .collect();
    let mut begun = Vec::new();
    for new in new {
        let (store, schedules) = (desk.store.clone(), desk.schedules().clone());
        begun.push(tokio::spawn(async move {
            store
                .provision(&new, &Requester::default(), Bounds::default(), &schedules)
                .await
        }));
    }
    for one in begun {
        let Provision::Accepted { wake_ups, .. } = one.await?? else {
            panic!("not accepted")
        };
        let tasks = desk.tasks(&wake_ups).await?;
        let placing = tasks
            .iter()
            .find(|task| task.kind == StepKind::PlaceOrder)
            .expect("an order");
        assert_eq!(placing.instance.tenant, "k8s:c/n#1");
    }
    Ok(())
}
