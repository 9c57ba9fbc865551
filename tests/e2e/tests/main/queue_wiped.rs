//! RabbitMQ may lose everything, and any worker may be killed: the operation ends all the same.

use lapin::options::QueueDeleteOptions;
use lapin::{Connection, ConnectionProperties};
use stack::{DELAY_QUEUES_MS, Handle, Options, Signal, WORKERS};

use crate::world::{PATIENCE, domain};
use customer::{Browser, Platform, status};
use serde_json::json;
use stack::Dns;

/// Deletes every queue of the broker, with all that is in it.
pub(crate) async fn wipe(amqp_url: &str) -> anyhow::Result<u32> {
    let connection = Connection::connect(amqp_url, ConnectionProperties::default()).await?;
    let services = WORKERS.iter().chain(&["notifier"]);
    let mut names: Vec<String> = services.map(|name| format!("cdn-broker.{name}")).collect();
    for ms in DELAY_QUEUES_MS.split(',') {
        names.push(format!("cdn-broker.delay.{ms}"));
    }
    let channel = connection.create_channel().await?;
    let mut messages = 0;
    for name in names {
        messages += channel
            .queue_delete(name.as_str().into(), QueueDeleteOptions::default())
            .await?;
    }
    connection.close(200, "done".into()).await?;
    Ok(messages)
}

#[tokio::test]
async fn nothing_is_lost_when_rabbitmq_forgets_everything_and_every_worker_is_killed() -> anyhow::Result<()> {
    // Short time limits, so that the sweeper's grace is short as well.
    let mut options = Options::fast()
        .with_env("all", "SWEEP_GRACE", "2s")
        .with_env("all", "SWEEP_INTERVAL", "500ms");
    for kind in ["PLACE_ORDER", "ANSWER_CHALLENGES", "AWAIT_VALIDATION", "FINALIZE_ORDER"] {
        options = options.with_env(
            "all",
            &format!("SCHEDULE_{kind}"),
            "first=200ms,max=1s,deadline=10m,limit=3s",
        );
    }
    options = options.with_env(
        "all",
        "SCHEDULE_VERIFY_CHALLENGE",
        "first=300ms,max=1s,deadline=10m,limit=3s",
    );
    let stack = Handle::start(options).await?;
    let e = stack.endpoints();
    let platform = Platform::new(&e.broker_url, &e.broker_username, &e.broker_password)?;
    let dns = Dns::new(&e.dns_management_url)?;
    let (id, name) = ("wiped-instance", domain("wiped"));
    let answer = platform.provision(id, "org", json!({"domains": [name]})).await?;
    assert_eq!(answer.status, 202, "{}", answer.text);
    let told = platform
        .poll(id, PATIENCE, "what to set", |answer| {
            status::persist_value(answer.description()).is_some()
        })
        .await?;

    let lost = wipe(&e.amqp_url).await?;
    for worker in WORKERS {
        stack.kill(&format!("{worker}-1"), Signal::Kill).await?;
    }
    // The tenant goes on meanwhile, and so does the broker: 202 also for a request made while RabbitMQ is empty.
    dns.set_txt(
        &format!("_validation-persist.{name}"),
        &status::persist_value(told.description()).unwrap(),
    )
    .await?;
    let second = domain("wiped-too");
    let answer = platform
        .provision("wiped-second", "org", json!({"domains": [second]}))
        .await?;
    assert_eq!(answer.status, 202, "{}", answer.text);
    wipe(&e.amqp_url).await?;
    for worker in WORKERS {
        stack.start_again(&format!("{worker}-1")).await?;
    }
    platform.succeeded(id, PATIENCE).await?;
    let visit = Browser::new(&e.pebble_root_pem, e.edge_http, e.edge_https)?
        .https(&name, "/")
        .await?;
    assert_eq!(visit.status, 200);
    dns.set_txt(
        &format!("_validation-persist.{second}"),
        &status::persist_value(told.description()).unwrap(),
    )
    .await?;
    platform.succeeded("wiped-second", PATIENCE).await?;
    println!("{lost} messages were lost, no operation was");
    Ok(())
}
