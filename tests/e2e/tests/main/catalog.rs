//! A second broker-api beside the shared stack's, with a catalog of two plans and two platforms: who asked is recorded.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context as _, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use customer::{Answer, Platform, platform};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep, timeout};

use crate::world::{Instance, PATIENCE, World, domain, organization, world};
use stack::program;

/// The second plan of docs/catalog.example.json.
const GLOBAL: &str = "3d5f0f6e-52c1-4a53-9b54-0b7f6a8f3c03";
pub(crate) const EXAMPLE: &str = include_str!("../../../../docs/catalog.example.json");

fn command(world: &World, folder: &Path, listen: SocketAddr) -> anyhow::Result<Command> {
    let credentials = json!({"platforms": [
        {"name": "cf-eu", "username": "cf", "password_file": "eu", "previous": [{"password": "hunter2-before"}]},
        {"name": "cf-us", "username": "cf", "password": "hunter2-us"},
    ]});
    std::fs::write(folder.join("eu"), "hunter2-eu\n")?;
    std::fs::write(folder.join("credentials.json"), credentials.to_string())?;
    if !folder.join("catalog.json").exists() {
        std::fs::write(folder.join("catalog.json"), EXAMPLE)?;
    }
    let log = std::fs::File::create(folder.join("log"))?;
    let e = world.handle.endpoints();
    let mut command = Command::new(program("broker-api")?);
    command
        .env("LISTEN", listen.to_string())
        .env("HEALTH_LISTEN", "127.0.0.1:0")
        .env("DATABASE_URL", &e.database_url)
        .env("AMQP_URL", &e.amqp_url)
        // Queues have to be declared alike by all.
        .envs(stack::FAST.iter().copied())
        .env("ACME_RESPONDER_URL", &e.responder_url)
        .env("DEFAULT_ORIGIN", "origin.cdn.test")
        .env("CATALOG_FILE", folder.join("catalog.json"))
        .env("BROKER_CREDENTIALS_FILE", folder.join("credentials.json"))
        .env("RUST_LOG", "info")
        .env("LOG_FORMAT", "json")
        .stdout(Stdio::from(log.try_clone()?))
        .stderr(Stdio::from(log))
        .kill_on_drop(true);
    Ok(command)
}

pub(crate) async fn started(world: &World, folder: &Path) -> anyhow::Result<(Child, String)> {
    let listen = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let child = command(world, folder, listen)?.spawn()?;
    let url = format!("http://{listen}");
    let deadline = Instant::now() + PATIENCE;
    // It serves before it has looked at the schema, and answers 503 until then; its doctor speaks afterwards.
    let migrated = || anyhow::Ok(std::fs::read_to_string(folder.join("log"))?.contains("doctor: "));
    while !migrated()? || reqwest::get(format!("{url}/healthz")).await.is_err() {
        ensure!(
            Instant::now() < deadline,
            "{}",
            std::fs::read_to_string(folder.join("log"))?
        );
        sleep(std::time::Duration::from_millis(50)).await;
    }
    Ok((child, url))
}

async fn provision(platform: &Platform, id: &str, domain: &str, user: &[u8]) -> anyhow::Result<Answer> {
    let mut body = platform::provision_body(&organization(), json!({"domains": [domain]}));
    body["plan_id"] = GLOBAL.into();
    body["maintenance_info"] = json!({"version": "1.0.0"});
    let (username, password) = platform.credentials();
    let path = format!("/v2/service_instances/{id}?accepts_incomplete=true");
    platform::answer(
        platform
            .bare(Method::PUT, &path)
            .basic_auth(username, Some(password))
            .header("X-Broker-API-Version", "2.17")
            .header(
                "X-Broker-API-Originating-Identity",
                format!("cloudfoundry {}", STANDARD.encode(user)),
            )
            .header("X-Broker-API-Request-Identity", format!("request-{id}"))
            .json(&body),
    )
    .await
}

/// Kind, platform, user, request of each operation, in order.
async fn asked(
    world: &World,
    id: &str,
) -> anyhow::Result<Vec<(String, Option<String>, Option<Value>, Option<String>)>> {
    let rows = world
        .sql()
        .await?
        .query(
            "select kind, platform, originating_identity, request_identity from operations where instance_id = $1 order by created_at",
            &[&id],
        )
        .await?;
    Ok(rows
        .iter()
        .map(|row| (row.get(0), row.get(1), row.get(2), row.get(3)))
        .collect())
}

#[tokio::test]
async fn who_asked_for_which_plan_is_recorded() -> anyhow::Result<()> {
    let world = world().await;
    let folder = tempfile::tempdir()?;
    let (_child, url) = started(world, folder.path()).await?;
    let eu = Platform::new(&url, "cf", "hunter2-eu")?;
    let us = Platform::new(&url, "cf", "hunter2-us")?;
    let catalog = us.call(Method::GET, "/v2/catalog", None).await?;
    assert_eq!(
        catalog.body["services"][0]["plans"][1]["id"], GLOBAL,
        "{}",
        catalog.text
    );

    let instance = Instance {
        id: uuid::Uuid::new_v4().to_string(),
        domains: vec![domain("catalog")],
    };
    let id = &instance.id;
    let answer = provision(&eu, id, &instance.domains[0], br#"{"user_id": "somebody-1"}"#).await?;
    assert_eq!(answer.status, 202, "{}", answer.text);
    assert_eq!(
        answer.header("x-broker-api-request-identity"),
        Some(&*format!("request-{id}"))
    );
    let waiting = eu.last_operation(id).await?;
    assert_eq!(waiting.header("retry-after"), Some("30"), "{}", waiting.text);
    let told = world.told(&instance).await?;
    world.set_persist(&told, &instance.domains[0]).await?;
    let done = eu.succeeded(id, PATIENCE).await?;
    assert_eq!(done.header("retry-after"), None);
    let fetched = eu
        .call(Method::GET, &format!("/v2/service_instances/{id}"), None)
        .await?;
    assert_eq!(fetched.body["plan_id"], GLOBAL, "{}", fetched.text);

    // Orphan mitigation, by the other platform and for nobody.
    assert_eq!(us.deprovision(id).await?.status, 202);
    us.succeeded(id, PATIENCE).await?;
    let user = json!({"platform": "cloudfoundry", "value": {"user_id": "somebody-1"}});
    let text = |text: &str| Some(text.to_string());
    let expected = vec![
        (
            "provision".to_string(),
            text("cf-eu"),
            Some(user),
            Some(format!("request-{id}")),
        ),
        ("deprovision".to_string(), text("cf-us"), None, None),
    ];
    assert_eq!(asked(world, id).await?, expected);

    let log = std::fs::read_to_string(folder.path().join("log"))?;
    let lines: Vec<Value> = log.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let told_of = |method: &str| {
        lines
            .iter()
            .find(|line| line["method"] == method && line["status"] == 202)
            .map(|line| line["platform"].clone())
    };
    assert_eq!(
        (told_of("PUT"), told_of("DELETE")),
        (Some(json!("cf-eu")), Some(json!("cf-us"))),
        "{log}"
    );
    let settings = "select settings->>'price_class' from instances where id = $1";
    let row = world.sql().await?.query_one(settings, &[&id]).await?;
    assert_eq!(row.get::<_, Option<&str>>(0), Some("PriceClass_All"), "the plan's");
    assert!(!log.contains("hunter2") && !log.contains("somebody-1"), "{log}");
    Ok(())
}

#[tokio::test]
async fn a_plan_is_changed_by_patch_unless_it_may_not_be_left() -> anyhow::Result<()> {
    let world = world().await;
    let folder = tempfile::tempdir()?;
    let catalog = EXAMPLE
        .replace("\"plan_updateable\": false", "\"plan_updateable\": true")
        .replace(
            "\"name\": \"cdn-global\"",
            "\"name\": \"cdn-global\", \"plan_updateable\": false",
        );
    std::fs::write(folder.path().join("catalog.json"), catalog)?;
    let (_child, url) = started(world, folder.path()).await?;
    let cf = Platform::new(&url, "cf", "hunter2-eu")?;
    let instance = world.created(&organization(), &[domain("plans")]).await?;
    let path = format!("/v2/service_instances/{}", instance.id);
    let patch = async |body: Value| -> anyhow::Result<Answer> {
        let path = format!("{path}?accepts_incomplete=true");
        cf.call(Method::PATCH, &path, Some(&body)).await
    };
    let of_plan = |plan: &str, version: &str| {
        json!({
            "service_id": platform::SERVICE_ID, "plan_id": plan, "maintenance_info": {"version": version},
            "previous_values": {"plan_id": platform::PLAN_ID},
        })
    };
    let old = patch(of_plan(GLOBAL, "0.9.0")).await?;
    assert_eq!(
        (old.status, &old.body["error"]),
        (422, &json!("MaintenanceInfoConflict")),
        "{}",
        old.text
    );
    assert_eq!(asked(world, &instance.id).await?.len(), 1, "nothing was begun");
    assert_eq!(patch(of_plan(GLOBAL, "1.0.0")).await?.status, 202);
    cf.succeeded(&instance.id, PATIENCE).await?;
    let plan =
        async || -> anyhow::Result<Value> { Ok(cf.call(Method::GET, &path, None).await?.body["plan_id"].clone()) };
    assert_eq!(plan().await?, GLOBAL);
    let found = world.distributions(&instance).await?;
    assert!(found[0].to_string().contains("PriceClass_All"), "{found:?}");

    let mut back = of_plan(platform::PLAN_ID, "1.0.0");
    back.as_object_mut().context("an object")?.remove("maintenance_info");
    let refused = patch(back).await?;
    assert_eq!(
        (refused.status, &refused.body["error"]),
        (422, &Value::Null),
        "{}",
        refused.text
    );
    assert!(refused.description().contains("can't be changed"), "{}", refused.text);
    let unknown = patch(of_plan("no-plan", "1.0.0")).await?;
    assert_eq!(unknown.status, 400, "{}", unknown.text);
    // Without one it stays, whatever else is asked for.
    let without = patch(json!({"service_id": platform::SERVICE_ID})).await?;
    assert_eq!((without.status, without.text.as_str()), (200, "{}"));
    assert_eq!(plan().await?, GLOBAL);
    assert_eq!(asked(world, &instance.id).await?.len(), 2);
    world.delete(&instance).await
}

/// What PostgreSQL would refuse must not refuse the request.
#[tokio::test]
async fn an_identity_that_cannot_be_stored_is_recorded_as_unreadable() -> anyhow::Result<()> {
    let world = world().await;
    let folder = tempfile::tempdir()?;
    let (_child, url) = started(world, folder.path()).await?;
    let platform = Platform::new(&url, "cf", "hunter2-before")?;
    let mut ids = Vec::new();
    for user in [
        &br#"{"user_id": "a\u0000b"}"#[..],
        br#"{"user_id": "\ud800"}"#,
        br#"{"n": 1e308, "m": -1e-300, "deep": [[[[[[]]]]]]}"#,
    ] {
        let id = uuid::Uuid::new_v4().to_string();
        let answer = provision(&platform, &id, &domain("identity"), user).await?;
        assert_eq!(answer.status, 202, "{}", answer.text);
        ids.push(id);
    }
    let mut readable = Vec::new();
    for id in &ids {
        let asked = asked(world, id).await?;
        let user = asked[0].2.as_ref().context("an identity")?;
        readable.push(user.get("unreadable").is_none());
        assert_eq!(platform.deprovision(id).await?.status, 202);
    }
    assert_eq!(readable, [false, false, true]);
    for id in &ids {
        platform.succeeded(id, PATIENCE).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_wrong_file_ends_the_broker_with_one_line_that_names_the_place() -> anyhow::Result<()> {
    let world = world().await;
    let folder = tempfile::tempdir()?;
    let listen = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    for (file, content, says) in [
        (
            "catalog.json",
            EXAMPLE.replace("\"free\": false", "\"free\": \"no\""),
            "services[0].plans[1].free: a string is neither true nor false",
        ),
        (
            "credentials.json",
            r#"{"platforms": [{"name": "a", "username": "b", "password": ["hunter2-eu"]}]}"#.to_string(),
            "platforms[0].password: a list is not a string",
        ),
    ] {
        let mut command = command(world, folder.path(), listen)?;
        std::fs::write(folder.path().join(file), content)?;
        let status = timeout(PATIENCE, command.status()).await??;
        let log = std::fs::read_to_string(folder.path().join("log"))?;
        assert!(!status.success(), "{log}");
        assert!(log.lines().next().is_some_and(|line| line.contains(says)), "{log}");
        assert!(!log.contains("hunter2"), "{log}");
    }
    Ok(())
}
