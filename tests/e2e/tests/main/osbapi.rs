//! Single sentences of the specification that no other test is about (docs/osbapi.md).

use std::path::Path;

use customer::{Answer, platform};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::world::{Instance, PATIENCE, World, domain, organization, world};

async fn patch(world: &World, id: &str, body: Value) -> anyhow::Result<Answer> {
    let path = format!("/v2/service_instances/{id}?accepts_incomplete=true");
    world.platform.call(Method::PATCH, &path, Some(&body)).await
}

async fn fetched(world: &World, instance: &Instance) -> anyhow::Result<Value> {
    let path = format!("/v2/service_instances/{}", instance.id);
    Ok(world.platform.call(Method::GET, &path, None).await?.body)
}

async fn operations(world: &World, instance: &Instance) -> anyhow::Result<i64> {
    let count = "select count(*) from operations where instance_id = $1";
    Ok(world.sql().await?.query_one(count, &[&instance.id]).await?.get(0))
}

#[tokio::test]
async fn a_patch_without_parameters_or_with_wrong_ones_changes_nothing() -> anyhow::Result<()> {
    let world = world().await;
    let instance = world.created(&organization(), &[domain("patch")]).await?;
    let before = fetched(world, &instance).await?;
    // As Cloud Controller sends it when only the instance's name was changed, and with what a later version may bring.
    let renamed = json!({
        "service_id": platform::SERVICE_ID,
        "plan_id": platform::PLAN_ID,
        "previous_values": {
            "plan_id": platform::PLAN_ID, "service_id": platform::SERVICE_ID, "organization_id": "o", "space_id": "s",
        },
        "context": {"platform": "cloudfoundry", "organization_guid": "other", "instance_name": "renamed"},
        "of_tomorrow": [1],
    });
    for body in [renamed, json!({"service_id": platform::SERVICE_ID, "parameters": null})] {
        let answer = patch(world, &instance.id, body).await?;
        assert_eq!((answer.status, answer.beside_the_link()), (200, json!({})));
    }
    for (parameters, says) in [
        (json!({"path": "no slash"}), "path: \"no slash\""),
        (json!({"pth": "/a"}), "did you mean \"path\"?"),
        (json!("text"), "parameters: \"text\""),
    ] {
        let body = json!({"service_id": platform::SERVICE_ID, "parameters": parameters});
        let answer = patch(world, &instance.id, body).await?;
        assert!(
            answer.status == 400 && answer.description().contains(says),
            "{}",
            answer.text
        );
    }
    for body in [json!({}), json!({"service_id": "other"})] {
        assert_eq!(patch(world, &instance.id, body).await?.status, 400);
    }
    assert_eq!(fetched(world, &instance).await?, before);
    assert_eq!(operations(world, &instance).await?, 1);
    world.delete(&instance).await
}

/// A lock that somebody else holds for longer than it is waited for: 503, and the change does not come later.
#[tokio::test]
async fn what_was_answered_503_is_not_applied_later() -> anyhow::Result<()> {
    let world = world().await;
    let instance = world.created(&organization(), &[domain("locked")]).await?;
    let before = fetched(world, &instance).await?;
    let mut client = world.sql().await?;
    let lock = client.transaction().await?;
    lock.execute("select 1 from instances where id = $1 for update", &[&instance.id])
        .await?;
    let body = json!({"service_id": platform::SERVICE_ID, "parameters": {"path": "/later"}});
    let answer = patch(world, &instance.id, body).await?;
    assert_eq!(answer.status, 503, "{}", answer.text);
    assert!(answer.header("retry-after").is_some());
    lock.rollback().await?;
    // Whoever waits for the lock still, has it before this.
    client
        .execute("select 1 from instances where id = $1 for update", &[&instance.id])
        .await?;
    assert_eq!(fetched(world, &instance).await?, before);
    assert_eq!(operations(world, &instance).await?, 1);
    world.delete(&instance).await
}

#[tokio::test]
async fn an_operation_is_told_only_for_its_own_instance() -> anyhow::Result<()> {
    let world = world().await;
    let (own, other) = (
        world.create(&[domain("own")]).await?,
        world.create(&[domain("other")]).await?,
    );
    let ask = async |id: &str, query: &str| {
        let path = format!("/v2/service_instances/{id}/last_operation?{query}");
        world.platform.call(Method::GET, &path, None).await
    };
    let row = "select id from operations where instance_id = $1";
    let operation: Uuid = world.sql().await?.query_one(row, &[&own.id]).await?.get(0);
    let stranger = Uuid::new_v4().to_string();
    let hints = format!("service_id={}&plan_id=of-yesterday", platform::SERVICE_ID);
    for (id, query, status) in [
        (own.id.as_str(), format!("operation={operation}"), 200),
        (own.id.as_str(), format!("operation={operation}&{hints}"), 200),
        (own.id.as_str(), "operation=".into(), 200),
        (stranger.as_str(), format!("operation={operation}"), 404),
        (stranger.as_str(), "operation=no-uuid".into(), 404),
    ] {
        let answer = ask(id, &query).await?;
        assert_eq!(answer.status, status, "{id} {query}: {}", answer.text);
    }
    // What an instance doesn't have is answered for its own newest one: a 400 would be taken for a failure.
    world.told(&other).await?;
    for query in [format!("operation={operation}"), "operation=no-uuid".into()] {
        let answer = ask(&other.id, &query).await?;
        assert_eq!(
            (answer.status, answer.state()),
            (200, "in progress"),
            "{query}: {}",
            answer.text
        );
        let (its, not_its) = (&other.domains[0], &own.domains[0]);
        assert!(
            answer.text.contains(its) && !answer.text.contains(not_its),
            "{query}: {}",
            answer.text
        );
    }
    world.delete(&own).await?;
    world.delete(&other).await
}

#[tokio::test]
async fn another_organization_space_or_plan_is_another_request() -> anyhow::Result<()> {
    let world = world().await;
    let (id, name, organization) = (Uuid::new_v4().to_string(), domain("whose"), organization());
    let path = format!("/v2/service_instances/{id}?accepts_incomplete=true");
    let put = async |body: &Value| world.platform.call(Method::PUT, &path, Some(body)).await;
    let body = platform::provision_body(&organization, json!({"domains": [name]}));
    assert_eq!(put(&body).await?.status, 202);
    assert_eq!(put(&body).await?.status, 202);
    let mut elsewhere = body.clone();
    elsewhere["context"]["organization_guid"] = "another".into();
    let mut space = body.clone();
    space["space_guid"] = "another".into();
    for (other, differs) in [
        (elsewhere, "what differs: the organization or namespace."),
        (space, "what differs: space_guid."),
    ] {
        let answer = put(&other).await?;
        assert_eq!(answer.status, 409, "{}", answer.text);
        assert!(answer.description().ends_with(differs), "{}", answer.text);
    }
    world
        .delete(&Instance {
            id,
            domains: vec![name],
        })
        .await
}

#[tokio::test]
async fn an_id_may_need_encoding_and_an_old_platform_may_leave_out_where_it_is() -> anyhow::Result<()> {
    let world = world().await;
    let encoded = format!("a%2Fb%20%C3%9C-{}", Uuid::new_v4());
    let body = json!({
        "service_id": platform::SERVICE_ID, "plan_id": platform::PLAN_ID, "parameters": {"domains": [domain("encoded")]},
    });
    let path = format!("/v2/service_instances/{encoded}?accepts_incomplete=true");
    let answer = world.platform.call(Method::PUT, &path, Some(&body)).await?;
    assert_eq!(answer.status, 202, "{}", answer.text);
    let answer = world.platform.last_operation(&encoded).await?;
    assert_eq!(answer.state(), "in progress", "{}", answer.text);
    assert_eq!(world.platform.deprovision(&encoded).await?.status, 202);
    world.platform.succeeded(&encoded, PATIENCE).await.map(drop)
}

/// Every test that docs/osbapi.md names is there: "- `short`, …: file.rs, `name`, …" below a line that names the folder.
#[test]
fn the_tests_that_the_document_names_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let document = std::fs::read_to_string(root.join("docs/osbapi.md")).unwrap();
    let (mut folder, mut named) = (None, 0);
    for line in document.lines() {
        if let Some(rest) = line.strip_prefix("In `") {
            folder = rest.split_once('`').map(|(folder, _)| root.join(folder));
        }
        let Some((folder, rest)) = folder.as_ref().zip(line.strip_prefix("- `")) else {
            continue;
        };
        let (_, tests) = rest.split_once(": ").unwrap_or_else(|| panic!("{line}"));
        let (file, names) = tests.split_once(", ").unwrap_or_else(|| panic!("{line}"));
        let source = std::fs::read_to_string(folder.join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
        for name in names.split(", ").map(|name| name.trim_matches('`')) {
            assert!(source.contains(&format!("fn {name}(")), "{file} has no test {name}");
            named += 1;
        }
    }
    assert!(named > 40, "only {named} tests are named");
}
