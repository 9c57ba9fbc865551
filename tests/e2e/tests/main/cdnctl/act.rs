//! What cdnctl does to operations, and how the platform and the workers take it.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use messaging::{AmqpArgs, Messaging};
use pipeline::Service;
use serde_json::json;
use stack::{Options, Peer, Signal};
use tokio::time::{Instant, sleep};

use super::{Said, operate};
use crate::world::{Instance, PATIENCE, World, domain};

/// Nobody looks twice at a domain by itself.
fn one_look() -> Options {
    let schedule = "first=1h,max=1h,jitter=0%,deadline=7d,limit=15s";
    Options::fast().with_env("all", "SCHEDULE_VERIFY_CHALLENGE", schedule)
}

async fn say(world: &World, args: &[&str]) -> anyhow::Result<Said> {
    operate(&world.handle, args).await
}

/// Retries until the instance is ready: what is seen for the first time is looked at once more.
async fn ready_by_retries(world: &World, instance: &Instance) -> anyhow::Result<()> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let answer = world.platform.last_operation(&instance.id).await?;
        if answer.state() == "succeeded" {
            return Ok(());
        }
        ensure!(
            answer.state() == "in progress" && Instant::now() < deadline,
            "{}",
            answer.text
        );
        let said = say(world, &["retry", &instance.id]).await?;
        // Between two steps nothing waits for a moment, when it is done.
        ensure!(matches!(said.code, Some(0 | 1)), "{}", said.errors);
        sleep(Duration::from_millis(300)).await;
    }
}

async fn created(world: &World, label: &str) -> anyhow::Result<Instance> {
    let instance = world.create(&[domain(label)]).await?;
    let told = world.told(&instance).await?;
    world.set_persist(&told, &instance.domains[0]).await?;
    ready_by_retries(world, &instance).await?;
    Ok(instance)
}

async fn newest(world: &World, instance: &Instance) -> anyhow::Result<(String, String)> {
    let json = say(world, &["show", &instance.id, "--operation", "last", "--json"])
        .await?
        .json()?;
    let operation = &json["operations"][0];
    let text = |name: &str| {
        operation[name]
            .as_str()
            .map(str::to_owned)
            .with_context(|| json.to_string())
    };
    Ok((text("kind")?, text("state")?))
}

async fn until(world: &World, instance: &Instance, kind: &str, state: &str) -> anyhow::Result<()> {
    let deadline = Instant::now() + PATIENCE;
    while newest(world, instance).await? != (kind.to_owned(), state.to_owned()) {
        ensure!(Instant::now() < deadline, "no {kind} has {state}");
        sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}

#[tokio::test]
async fn an_operator_has_things_tried_now_renewed_and_ended() -> anyhow::Result<()> {
    let world = World::own(one_look()).await?;
    // Without `retry` it would be an hour.
    let instance = created(&world, "retried").await?;
    let said = say(&world, &["retry", &instance.id]).await?;
    assert_eq!(said.code, Some(1), "{}", said.text);
    assert!(said.text.contains("nothing waits"), "{}", said.text);

    renewals(&world, &instance).await?;
    cancelled(&world, &instance).await?;
    everything_at_once(&world).await
}

async fn renewals(world: &World, instance: &Instance) -> anyhow::Result<()> {
    let before = world.serial(instance).await?;
    let said = say(world, &["renew", &instance.id]).await?;
    assert_eq!(said.code, Some(0), "{}", said.text);
    until(world, instance, "renew", "succeeded").await?;
    assert_ne!(world.serial(instance).await?, before);

    // One that waits is given up, and no platform hears of it.
    world.handle.kill("certificate-issuer-1", Signal::Stop).await?;
    assert_eq!(say(world, &["renew", &instance.id]).await?.code, Some(0));
    let twice = say(world, &["renew", &instance.id]).await?;
    assert_eq!(twice.code, Some(1), "{}", twice.text);
    assert!(twice.text.contains("renew is in progress"), "{}", twice.text);
    let said = say(world, &["cancel", &instance.id, "--why", "not tonight", "--yes"]).await?;
    assert_eq!(said.code, Some(0), "{}", said.errors);
    assert!(said.text.contains("is given up. The next is due at 2"), "{}", said.text);
    assert_eq!(newest(world, instance).await?, ("renew".into(), "superseded".into()));
    assert_eq!(world.platform.last_operation(&instance.id).await?.state(), "succeeded");

    // One that failed rests, until somebody says otherwise.
    assert_eq!(say(world, &["renew", &instance.id]).await?.code, Some(0));
    let sql = world.sql().await?;
    for change in [
        "update steps set state = 'cancelled', ended_at = now() where state = 'waiting' and operation_id = \
         (select id from operations where instance_id = $1 and state = 'running')",
        "update operations set state = 'failed', failure = 'the CA was away', ended_at = now() \
         where instance_id = $1 and state = 'running'",
        "update certificates set renew_at = now() where instance_id = $1 and retired_at is null",
    ] {
        ensure!(sql.execute(change, &[&instance.id]).await? > 0, "{change}");
    }
    let said = say(world, &["certificates"]).await?;
    assert_eq!(said.code, Some(1), "{}", said.text);
    let cells = said.cells(&instance.id);
    assert_eq!((cells[5], cells[7]), ("FAILING", "the CA was away"), "{}", said.text);
    let said = say(world, &["retry", &instance.id]).await?;
    assert!(said.text.contains("started now"), "{}", said.text);
    world.handle.kill("certificate-issuer-1", Signal::Cont).await?;
    until(world, instance, "renew", "succeeded").await?;

    // All of them are the planner's.
    let asked = say(world, &["renew", "--all"]).await?;
    assert_eq!((asked.code, asked.text.as_str()), (Some(2), ""));
    assert!(
        asked.errors.contains("Renews 1 certificates of 1 tenants"),
        "{}",
        asked.errors
    );
    assert_eq!(say(world, &["certificates"]).await?.cells(&instance.id)[5], "ok");
    let said = say(world, &["renew", "--all", "--yes", "--json"]).await?;
    assert_eq!(said.json()?["made_due"], 1, "{}", said.text);
    assert_eq!(say(world, &["certificates"]).await?.cells(&instance.id)[5], "due");
    Ok(())
}

/// A domain that the CA turned down is left to its rest.
async fn held(world: &World, instance: &Instance) -> anyhow::Result<()> {
    let sql = world.sql().await?;
    let hold = "update claims set held_until = now() + interval '1 hour' where instance_id = $1";
    sql.execute(hold, &[&instance.id]).await?;
    let said = say(world, &["retry", &instance.id]).await?;
    assert_eq!(said.code, Some(1), "{}", said.text);
    assert!(said.line("left alone").contains("it is held until"), "{}", said.text);
    let said = say(world, &["retry", &instance.id, "--held"]).await?;
    assert_eq!(said.code, Some(0), "{}", said.text);
    said.line("tried now");
    Ok(())
}

async fn cancelled(world: &World, serving: &Instance) -> anyhow::Result<()> {
    let instance = world.create(&[domain("cancelled")]).await?;
    world.told(&instance).await?;
    held(world, &instance).await?;
    let asked = say(world, &["cancel", &instance.id, "--why", "its zone is gone"]).await?;
    assert_eq!((asked.code, asked.text.as_str()), (Some(2), ""));
    assert!(asked.errors.contains("--yes"), "{}", asked.errors);
    assert_eq!(
        say(world, &["cancel", &instance.id, "--yes"]).await?.code,
        Some(2),
        "without a reason"
    );
    assert_eq!(
        world.platform.last_operation(&instance.id).await?.state(),
        "in progress"
    );

    let said = say(world, &["cancel", &instance.id, "--why", "its zone is gone", "--yes"]).await?;
    assert_eq!(said.code, Some(0), "{}", said.errors);
    let answer = world.platform.last_operation(&instance.id).await?;
    assert_eq!(answer.state(), "failed", "{}", answer.text);
    assert!(
        answer
            .description()
            .starts_with("Cancelled by the operator: its zone is gone. Delete this service"),
        "{}",
        answer.text
    );
    let again = say(world, &["cancel", &instance.id, "--why", "its zone is gone", "--yes"]).await?;
    assert_eq!(again.code, Some(1), "{}", again.text);

    // A removal goes on, whoever wants it to end. Nobody works on it while it is asked.
    world.handle.kill("distribution-1", Signal::Stop).await?;
    assert_eq!(world.platform.deprovision(&instance.id).await?.status, 202);
    let said = say(world, &["cancel", &instance.id, "--why", "no", "--yes"]).await?;
    assert_eq!((said.code, said.text.as_str()), (Some(2), ""));
    assert!(said.errors.contains("a removal can't be cancelled"), "{}", said.errors);
    world.handle.kill("distribution-1", Signal::Cont).await?;
    world.platform.succeeded(&instance.id, PATIENCE).await?;

    // An update that fails changes nothing.
    let more = json!({"domains": [serving.domains[0], domain("more")]});
    assert_eq!(world.platform.update(&serving.id, more).await?.status, 202);
    until(world, serving, "update", "running").await?;
    let said = say(world, &["cancel", &serving.id, "--why", "a mistake.", "--yes"]).await?;
    assert_eq!(said.code, Some(0), "{}", said.errors);
    let answer = world.platform.last_operation(&serving.id).await?;
    assert_eq!(answer.state(), "failed");
    assert!(
        answer
            .description()
            .starts_with("Cancelled by the operator: a mistake. Nothing was changed"),
        "{}",
        answer.text
    );
    world.serves(serving).await
}

/// The CA is slow, so the order is still being placed when the operation is ended: what the worker brings home is refused.
#[tokio::test]
async fn a_worker_in_the_middle_of_an_attempt_changes_nothing_after_a_cancel() -> anyhow::Result<()> {
    let world = World::own(Options::fast().with_proxy(Peer::Pebble, 0)).await?;
    world.handle.set_latency(Peer::Pebble, 1500).await?;
    let instance = world.create(&[domain("slow")]).await?;
    let deadline = Instant::now() + PATIENCE;
    // It has an order's row as soon as it begins.
    let began =
        "select 1 from orders r join operations o on o.id = r.operation_id where o.instance_id = $1 and r.url is null";
    let sql = world.sql().await?;
    while sql.query_opt(began, &[&instance.id]).await?.is_none() {
        ensure!(Instant::now() < deadline, "no order is being placed");
        sleep(Duration::from_millis(20)).await;
    }
    let said = say(&world, &["cancel", &instance.id, "--why", "in the middle", "--yes"]).await?;
    assert_eq!(said.code, Some(0), "{}", said.errors);
    let cancelled = world.platform.last_operation(&instance.id).await?.text;
    assert!(cancelled.contains("in the middle"), "{cancelled}");
    while !came_home(&world).await? {
        ensure!(Instant::now() < deadline, "the worker never comes home");
        sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(world.platform.last_operation(&instance.id).await?.text, cancelled);
    let said = say(&world, &["show", &instance.id]).await?;
    assert!(said.line("PROVISION ").contains("failed"), "{}", said.text);
    assert!(!said.text.contains("verify-challenge"), "{}", said.text);
    world.handle.set_latency(Peer::Pebble, 0).await?;
    world.delete(&instance).await
}

/// The issuer has found what it had in hand to be stale.
async fn came_home(world: &World) -> anyhow::Result<bool> {
    let issuer = world
        .handle
        .endpoints()
        .process("certificate-issuer-1")
        .context("the issuer")?;
    let url = format!("{}/metrics", issuer.health_url.as_deref().context("its address")?);
    let text = reqwest::get(url).await?.text().await?;
    let mut stale = text.lines().filter(|line| line.starts_with("deliveries_stale_total{"));
    Ok(stale.any(|line| !line.ends_with(" 0")))
}

async fn everything_at_once(world: &World) -> anyhow::Result<()> {
    let said = say(world, &["doctor"]).await?;
    assert_eq!(said.code, Some(0), "{}", said.text);
    for about in [
        "PostgreSQL",
        "clock",
        "sealing keys",
        "RabbitMQ",
        "cert-installer",
        "parked",
        "certificates",
        "orphans",
    ] {
        said.line(&format!("ok  {about}"));
    }
    let said = say(world, &["queues"]).await?;
    assert_eq!(said.code, Some(0), "{}", said.text);
    assert_eq!(said.cells("challenge-verifier")[2], "1", "{}", said.text);

    // A service that is away, a note about a step, and an orphan that nobody removes.
    world.handle.kill("cert-installer-1", Signal::Term).await?;
    let instance = world.create(&[domain("noted")]).await?;
    world.told(&instance).await?;
    let sql = world.sql().await?;
    let step = sql
        .query_one(
            "select s.id from steps s join operations o on o.id = s.operation_id \
             where o.instance_id = $1 and s.kind = 'verify-challenge'",
            &[&instance.id],
        )
        .await?;
    let body = json!({"v": 1, "step": step.get::<_, uuid::Uuid>(0), "attempt": 3}).to_string();
    let e = world.handle.endpoints();
    let args = AmqpArgs {
        delay_queues_ms: stack::DELAY_QUEUES_MS.parse().map_err(anyhow::Error::msg)?,
        ..AmqpArgs::at(&e.amqp_url)
    };
    let messaging = Messaging::new(args, "test");
    messaging
        .park(Service::ChallengeVerifier, body.as_bytes(), "it panics")
        .await?;
    sql.execute(
        "insert into orphans (kind, aws_id, instance_id, first_seen) values ('function', 'cdn-broker-lost', 'gone', now() - interval '5 hours')",
        &[],
    )
    .await?;

    let said = say(world, &["parked", "list"]).await?;
    assert_eq!(said.code, Some(1), "{}", said.text);
    let note = said.text.lines().nth(1).with_context(|| said.text.clone())?;
    for words in [
        "challenge-verifier",
        &instance.id,
        "verify-challenge noted",
        "waiting",
        "it panics",
    ] {
        assert!(note.contains(words), "{note}");
    }
    let said = say(world, &["orphans"]).await?;
    assert_eq!(said.code, Some(1), "{}", said.text);
    assert!(said.line("function ").contains("LATE, since"), "{}", said.text);
    let patient = say(world, &["orphans", "--orphan-grace", "6h"]).await?;
    assert_eq!(patient.code, Some(0), "{}", patient.text);
    assert!(patient.line("function ").contains("in 59 min"), "{}", patient.text);

    let said = say(world, &["doctor"]).await?;
    assert_eq!(said.code, Some(1), "{}", said.text);
    assert!(
        said.line("FAIL  cert-installer").contains("its queue has no consumer"),
        "{}",
        said.text
    );
    assert!(
        said.line("warn  parked").contains("cdnctl parked list"),
        "{}",
        said.text
    );
    assert!(said.line("warn  orphans").contains("1 of 1"), "{}", said.text);
    let json = say(world, &["doctor", "--json"]).await?.json()?;
    let states = json
        .as_array()
        .context("a list")?
        .iter()
        .map(|line| line["state"].as_str());
    assert_eq!(states.filter(|state| *state == Some("FAIL")).count(), 1, "{json}");
    assert_eq!(say(world, &["queues"]).await?.code, Some(1));

    // The note goes to a verifier, which looks at the step; it is stale, and gone.
    let replayed = say(world, &["parked", "replay", "--all"]).await?;
    assert!(
        replayed.text.contains("sent to challenge-verifier"),
        "{}",
        replayed.text
    );
    assert_eq!(say(world, &["parked", "list"]).await?.text, "nothing is parked\n");
    Ok(())
}
