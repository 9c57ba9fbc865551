//! A queue that RabbitMQ has lost the inside of, or that has other arguments: mended, or said, and nothing is lost.

use std::process::Command;

use anyhow::Context as _;
use customer::{Platform, status};
use serde_json::json;
use stack::{Dns, Handle, Options};

use crate::world::{PATIENCE, domain};

/// Has the node evaluate an Erlang expression, as an operator would by `rabbitmqctl eval`.
fn eval(stack: &Handle, expression: &str) -> anyhow::Result<String> {
    let e = stack.endpoints();
    let pid = e
        .process("rabbitmq")
        .and_then(|process| process.pid)
        .context("no RabbitMQ")?;
    let environment = std::fs::read_to_string(format!("/proc/{pid}/environ"))?;
    let variable = |name: &str| {
        environment
            .split('\0')
            .find_map(|entry| entry.strip_prefix(name)?.strip_prefix('='))
            .with_context(|| format!("no {name}"))
    };
    let output = Command::new("/usr/lib/rabbitmq/bin/rabbitmqctl")
        .args(["-n", variable("RABBITMQ_NODENAME")?, "eval", expression])
        .env("ERL_EPMD_PORT", variable("ERL_EPMD_PORT")?)
        .env("HOME", e.folder.join("rabbitmq"))
        .output()?;
    anyhow::ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[tokio::test]
async fn a_queue_that_lost_its_inside_is_made_anew() -> anyhow::Result<()> {
    let stack = Handle::start(Options::fast()).await?;
    let e = stack.endpoints();
    let platform = Platform::new(&e.broker_url, &e.broker_username, &e.broker_password)?;
    let (id, name) = ("broken-queue", domain("broken-queue"));
    platform.provision(id, "org", json!({"domains": [name]})).await?;
    let told = platform
        .poll(id, PATIENCE, "what to set", |answer| {
            status::persist_value(answer.description()).is_some()
        })
        .await?;
    for queue in ["certificate-issuer", "delay.500"] {
        let killed =
            format!("ra:force_delete_server(quorum_queues, {{list_to_atom(\"%2F_cdn-broker.{queue}\"), node()}}).");
        anyhow::ensure!(eval(&stack, &killed)?.contains("ok"), "{queue} lives on");
    }
    let value = status::persist_value(told.description()).context("a set-once record")?;
    Dns::new(&e.dns_management_url)?
        .set_txt(&format!("_validation-persist.{name}"), &value)
        .await?;
    platform.succeeded(id, PATIENCE * 2).await?;
    Ok(())
}
