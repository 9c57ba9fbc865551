//! Parked messages: nothing of them is lost, whenever cdnctl dies.

use std::collections::BTreeSet;
use std::process::Stdio;

use anyhow::{Context as _, ensure};
use lapin::options::{BasicAckOptions, BasicGetOptions, QueueDeleteOptions};
use lapin::{Connection, ConnectionProperties};
use messaging::{AmqpArgs, Messaging};
use pipeline::Service;
use serde_json::{Value, json};
use stack::{Handle, Options};
use store::{DatabaseArgs, Store};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use super::{Said, command, run};
use crate::world::PATIENCE;

async fn say(handle: &Handle, args: &[&str]) -> anyhow::Result<Said> {
    let e = handle.endpoints();
    run(&e.database_url, &[("AMQP_URL", &e.amqp_url)], args).await
}

async fn listed(handle: &Handle) -> anyhow::Result<Vec<Value>> {
    let json = say(handle, &["parked", "list", "--json"]).await?.json()?;
    json.as_array().cloned().context("a list")
}

async fn audited(handle: &Handle) -> anyhow::Result<Vec<Value>> {
    let json = say(handle, &["audit", "--limit", "1000", "--json"]).await?.json()?;
    json.as_array().cloned().context("a list")
}

/// Takes all that is in the verifier's queue.
async fn drained(handle: &Handle) -> anyhow::Result<BTreeSet<String>> {
    let connection = Connection::connect(&handle.endpoints().amqp_url, ConnectionProperties::default()).await?;
    let channel = connection.create_channel().await?;
    let mut bodies = BTreeSet::new();
    let queue = "cdn-broker.challenge-verifier";
    while let Some(message) = channel.basic_get(queue.into(), BasicGetOptions::default()).await? {
        bodies.insert(String::from_utf8(message.data.clone())?);
        message.ack(BasicAckOptions::default()).await?;
    }
    connection.close(200, "done".into()).await?;
    Ok(bodies)
}

#[tokio::test]
async fn parked_messages_are_listed_replayed_and_dropped_and_none_is_lost() -> anyhow::Result<()> {
    let handle = Handle::start(Options::infrastructure()).await?;
    let e = handle.endpoints();
    let early = say(&handle, &["instances"]).await?;
    assert_eq!(
        (early.code, early.text.as_str()),
        (Some(2), ""),
        "no service has made its tables"
    );
    Store::new(&DatabaseArgs::at(&e.database_url), "test")?
        .migrate()
        .await?;

    // Before any service has made a queue.
    let said = say(&handle, &["queues"]).await?;
    assert_eq!(said.code, Some(1), "{}", said.text);
    assert_eq!(said.cells("distribution")[1], "no queue", "{}", said.text);
    assert_eq!(say(&handle, &["parked", "list"]).await?.code, Some(2));
    let said = say(&handle, &["queues"]).await?;
    assert_eq!(
        said.cells("distribution")[1],
        "no queue",
        "looking makes none: {}",
        said.text
    );

    let messaging = Messaging::new(AmqpArgs::at(&e.amqp_url), "test");
    let service = Service::ChallengeVerifier;
    for (body, reason) in [
        ("gar\u{1b}[2Jbage", "not a wake-up"),
        ("other", "another\u{1b}[2J reason"),
    ] {
        messaging.park(service, body.as_bytes(), reason).await?;
    }
    nobody_takes_it(&handle).await?;
    // Whoever connects makes the queue again.
    let messaging = Messaging::new(AmqpArgs::at(&e.amqp_url), "test");
    messaging.consume(service, 1).await?;
    one_by_one(&handle).await?;

    let bodies: BTreeSet<String> = (0..400)
        .map(|attempt| json!({"v": 1, "step": Uuid::new_v4(), "attempt": attempt}).to_string())
        .collect();
    for body in &bodies {
        messaging.park(service, body.as_bytes(), "a test").await?;
    }
    killed_in_the_middle(&handle, &bodies).await
}

/// What RabbitMQ does not take stays parked.
async fn nobody_takes_it(handle: &Handle) -> anyhow::Result<()> {
    let connection = Connection::connect(&handle.endpoints().amqp_url, ConnectionProperties::default()).await?;
    let channel = connection.create_channel().await?;
    let queue = "cdn-broker.challenge-verifier";
    channel
        .queue_delete(queue.into(), QueueDeleteOptions::default())
        .await?;
    connection.close(200, "done".into()).await?;
    let said = say(handle, &["parked", "replay", "--all"]).await?;
    assert_eq!(said.code, Some(1), "{}", said.text);
    assert_eq!(said.text.matches("stays parked").count(), 2, "{}", said.text);
    assert_eq!(listed(handle).await?.len(), 2);
    Ok(())
}

async fn one_by_one(handle: &Handle) -> anyhow::Result<()> {
    // However often it is looked at, it stays, with its id.
    let first = listed(handle).await?;
    for _ in 0..12 {
        let again = listed(handle).await?;
        let ids = |list: &[Value]| list.iter().map(|one| one["id"].to_string()).collect::<BTreeSet<_>>();
        assert_eq!(ids(&again), ids(&first));
    }
    let said = say(handle, &["parked", "list"]).await?;
    assert!(
        said.text.contains("another\\u{1b}[2J reason") && !said.text.contains('\u{1b}'),
        "{}",
        said.text
    );
    let id = |body: &str| {
        let found = first
            .iter()
            .find(|one| one["body"].as_str().is_some_and(|text| text.contains(body)));
        found.and_then(|one| one["id"].as_str()).map(str::to_owned)
    };
    let (garbage, other) = (id("bage").context("an id")?, id("other").context("an id")?);
    let asked = say(handle, &["parked", "drop", &garbage]).await?;
    assert_eq!((asked.code, asked.text.as_str()), (Some(2), ""));
    assert!(asked.errors.contains("add --yes"), "{}", asked.errors);
    assert_eq!(listed(handle).await?.len(), 2, "nothing was dropped");
    assert_eq!(say(handle, &["parked", "drop", &garbage, "--yes"]).await?.code, Some(0));
    let gone = say(handle, &["parked", "drop", &garbage, "--yes"]).await?;
    assert_eq!(gone.code, Some(1));
    assert!(gone.text.contains("is not parked"), "{}", gone.text);
    let replayed = say(handle, &["parked", "replay", &other]).await?;
    assert_eq!(replayed.code, Some(0), "{}", replayed.text);
    assert_eq!(say(handle, &["parked", "list"]).await?.text, "nothing is parked\n");
    assert_eq!(drained(handle).await?, BTreeSet::from(["other".to_owned()]));

    // What was tried in vain before, and these two: each with its intent and what came of it, the newest first.
    let entries = audited(handle).await?;
    let told: Vec<_> = entries
        .iter()
        .map(|entry| [&entry["action"], &entry["subject"], &entry["details"]["state"]].map(Value::as_str))
        .collect();
    let (replay, drop) = (Some("replay-parked"), Some("drop-parked"));
    let (garbage, other) = (Some(garbage.as_str()), Some(other.as_str()));
    assert_eq!(
        told[..4],
        [
            [replay, other, Some("done")],
            [replay, other, Some("intended")],
            [drop, garbage, Some("done")],
            [drop, garbage, Some("intended")],
        ]
    );
    let states: Vec<_> = told[4..].iter().map(|[_, _, state]| *state).collect();
    let (failed, intended) = (Some("failed"), Some("intended"));
    assert_eq!(states, [failed, failed, intended, intended]);
    assert_eq!(entries[0]["details"]["intent"], entries[1]["id"]);
    assert!(entries[4]["details"]["failure"].is_string(), "{}", entries[4]);
    Ok(())
}

async fn killed_in_the_middle(handle: &Handle, bodies: &BTreeSet<String>) -> anyhow::Result<()> {
    let e = handle.endpoints();
    let mut replaying = command(&e.database_url)?
        .args(["parked", "replay", "--all"])
        .env("AMQP_URL", &e.amqp_url)
        .stdout(Stdio::piped())
        .spawn()?;
    let mut lines = BufReader::new(replaying.stdout.take().context("its output")?).lines();
    for _ in 0..20 {
        let line = lines.next_line().await?.context("it ended before it was killed")?;
        assert!(line.contains("sent to challenge-verifier"), "{line}");
    }
    replaying.kill().await?;
    // What was in its hand is given back.
    let deadline = Instant::now() + PATIENCE;
    loop {
        let json = say(handle, &["queues", "--json"]).await?.json()?;
        let (parked, ready) = (json["parked"].as_u64(), json["services"][1]["ready"].as_u64());
        let (parked, ready) = (parked.context("parked")?, ready.context("ready")?);
        let all = bodies.len() as u64;
        if parked + ready >= all {
            ensure!(
                ready >= 20 && parked > 0,
                "it was not in the middle: {ready} sent, {parked} parked"
            );
            break;
        }
        ensure!(Instant::now() < deadline, "{ready} sent, {parked} parked, of {all}");
        sleep(std::time::Duration::from_millis(50)).await;
    }
    // Whoever looks into what was going on finds what was intended with all of them.
    let entries = audited(handle).await?;
    let with = |state: &str| {
        let of_replays = entries.iter().filter(|entry| entry["action"] == "replay-parked");
        of_replays.filter(|entry| entry["details"]["state"] == state).count()
    };
    // Three of them, and one that was done, were before.
    let (intended, done) = (with("intended") - 3, with("done") - 1);
    assert!(
        intended == bodies.len() && (19..intended).contains(&done),
        "{intended} intended, {done} done"
    );
    let said = say(handle, &["parked", "replay", "--all"]).await?;
    assert_eq!(said.code, Some(0), "{}", said.errors);
    assert_eq!(say(handle, &["parked", "list"]).await?.text, "nothing is parked\n");
    assert_eq!(&drained(handle).await?, bodies);
    Ok(())
}
