//! A queue that RabbitMQ has lost the inside of, or that has other arguments: mended, or said, and nothing is lost.

use std::process::Command;

use std::time::{Duration, Instant};

use anyhow::Context as _;
use customer::{Platform, status};
use lapin::options::{ExchangeDeleteOptions, QueueDeclareOptions, QueueDeleteOptions};
use lapin::protocol::{AMQPErrorKind, AMQPSoftError};
use lapin::types::FieldTable;
use lapin::{Connection, ConnectionProperties, ErrorKind};
use serde_json::json;
use stack::{Dns, Handle, Options, Signal, WORKERS};

use crate::world::{PATIENCE, domain};

/// Has the node evaluate an Erlang expression, as an operator would by `rabbitmqctl eval`.
async fn eval(stack: &Handle, expression: &str) -> anyhow::Result<String> {
    let e = stack.endpoints_now().await?;
    let environment = e.process("rabbitmq").context("no RabbitMQ")?.environment()?;
    let variable = |name: &str| environment.get(name).with_context(|| format!("no {name}"));
    let output = Command::new("/usr/lib/rabbitmq/bin/rabbitmqctl")
        .args(["-n", variable("RABBITMQ_NODENAME")?, "eval", expression])
        .env("ERL_EPMD_PORT", variable("ERL_EPMD_PORT")?)
        .env("HOME", e.folder.join("rabbitmq"))
        .output()?;
    anyhow::ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// An instance that waits for its record.
struct Waiting {
    stack: Handle,
    platform: Platform,
    id: &'static str,
    record: String,
    value: String,
}

impl Waiting {
    async fn start(id: &'static str) -> anyhow::Result<Self> {
        Self::start_with(Options::fast().with_own_rabbitmq(), id).await
    }

    async fn start_with(options: Options, id: &'static str) -> anyhow::Result<Self> {
        let stack = Handle::start(options).await?;
        let e = stack.endpoints();
        let platform = Platform::new(&e.broker_url, &e.broker_username, &e.broker_password)?;
        let name = domain(id);
        platform.provision(id, "org", json!({"domains": [name]})).await?;
        let told = platform
            .poll(id, PATIENCE, "what to set", |answer| {
                status::persist_value(answer.description()).is_some()
            })
            .await?;
        Ok(Self {
            value: status::persist_value(told.description()).context("a set-once record")?,
            record: format!("_validation-persist.{name}"),
            stack,
            platform,
            id,
        })
    }

    /// The record is set, and all is well.
    async fn goes_on(&self) -> anyhow::Result<()> {
        let dns = Dns::new(&self.stack.endpoints().dns_management_url)?;
        dns.set_txt(&self.record, &self.value).await?;
        self.platform.succeeded(self.id, PATIENCE * 2).await?;
        Ok(())
    }
}

#[tokio::test]
async fn a_queue_that_lost_its_inside_is_made_anew() -> anyhow::Result<()> {
    let waiting = Waiting::start("broken-queue").await?;
    let stack = &waiting.stack;
    for queue in ["certificate-issuer", "delay.500"] {
        let killed =
            format!("ra:force_delete_server(quorum_queues, {{list_to_atom(\"%2F_cdn-broker.{queue}\"), node()}}).");
        anyhow::ensure!(eval(stack, &killed).await?.contains("ok"), "{queue} lives on");
    }
    waiting.goes_on().await?;
    Ok(())
}

/// Every process finds out at the same time that RabbitMQ knows the queues' names and has no member of any: so it is
/// left when it is killed in the second in which it makes them.
#[tokio::test]
async fn queues_may_be_lost_while_ten_processes_make_them() -> anyhow::Result<()> {
    let mut options = Options::fast().with_own_rabbitmq();
    for worker in WORKERS {
        options = options.with_replicas(worker, 3);
    }
    let waiting = Waiting::start_with(options, "broken-queues").await?;
    let stack = &waiting.stack;
    let lost = "[begin catch ra:force_delete_server(quorum_queues, amqqueue:get_pid(Q)), \
                case rand:uniform(2) of 1 -> ok; 2 -> catch rabbit_amqqueue:internal_delete(Q, <<\"test\">>) end end \
                || Q <- rabbit_amqqueue:list()].";
    for _ in 0..2 {
        eval(stack, lost).await?;
        stack.kill("rabbitmq", Signal::Kill).await?;
        stack.start_again("rabbitmq").await?;
    }
    waiting.goes_on().await?;
    Ok(())
}

#[tokio::test]
async fn an_exchange_and_a_binding_that_somebody_deletes_are_made_again() -> anyhow::Result<()> {
    let waiting = Waiting::start("deleted-exchange").await?;
    let url = &waiting.stack.endpoints().amqp_url;
    let connection = Connection::connect(url, ConnectionProperties::default()).await?;
    let channel = connection.create_channel().await?;
    let (queue, exchange) = ("cdn-broker.certificate-issuer", "cdn-broker.work");
    channel
        .queue_unbind(
            queue.into(),
            exchange.into(),
            "certificate-issuer".into(),
            FieldTable::default(),
        )
        .await?;
    let (exchange, options) = ("cdn-broker.delay", ExchangeDeleteOptions::default());
    channel.exchange_delete(exchange.into(), options).await?;
    waiting.goes_on().await
}

/// Takes the turn to declare queues, when no process has it any more.
async fn take_the_turn(connection: &Connection) -> anyhow::Result<()> {
    let exclusive = QueueDeclareOptions {
        exclusive: true,
        ..QueueDeclareOptions::default()
    };
    let deadline = Instant::now() + PATIENCE;
    loop {
        // A refusal closes the channel.
        let channel = connection.create_channel().await?;
        let turn = "cdn-broker.declaring";
        match channel
            .queue_declare(turn.into(), exclusive, FieldTable::default())
            .await
        {
            Err(error) if is_locked(&error) && Instant::now() < deadline => {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            declared => return Ok(declared.map(drop)?),
        }
    }
}

/// Whether a queue is another connection's own.
fn is_locked(error: &lapin::Error) -> bool {
    let locked = AMQPErrorKind::Soft(AMQPSoftError::RESOURCELOCKED);
    matches!(error.kind(), ErrorKind::ProtocolError(error) if *error.kind() == locked)
}

/// A process that hangs in its turn to declare queues keeps it until RabbitMQ misses its heartbeats.
#[tokio::test]
async fn connections_that_break_are_back_although_another_process_keeps_the_turn() -> anyhow::Result<()> {
    let waiting = Waiting::start("kept-turn").await?;
    let stack = &waiting.stack;
    let hangs = ConnectionProperties::default().with_connection_name("hangs".into());
    let connection = Connection::connect(&stack.endpoints().amqp_url, hangs).await?;
    take_the_turn(&connection).await?;
    let broken = "length([rabbit_networking:close_connection(P, \"test\") || P <- rabbit_networking:connections(), \
                  [{client_properties, C}] <- [rabbit_reader:info(P, [client_properties])], \
                  not lists:member({<<\"connection_name\">>, longstr, <<\"hangs\">>}, C)]).";
    let count: usize = eval(stack, broken).await?.trim().parse()?;
    anyhow::ensure!(count >= WORKERS.len(), "{count} connections were broken");
    waiting.goes_on().await?;
    anyhow::ensure!(connection.status().connected(), "the turn was given back");
    Ok(())
}

#[tokio::test]
async fn an_alarm_of_rabbitmq_is_no_queues_fault_and_work_goes_on_after_it() -> anyhow::Result<()> {
    let waiting = Waiting::start("alarm").await?;
    let stack = &waiting.stack;
    let disk = "{resource_limit, disk, node()}";
    eval(stack, &format!("rabbit_alarm:set_alarm({{{disk}, []}}).")).await?;
    let logs = || -> anyhow::Result<String> {
        let all = stack
            .endpoints()
            .processes
            .iter()
            .map(|process| std::fs::read_to_string(&process.log));
        Ok(all.collect::<Result<Vec<_>, _>>()?.concat())
    };
    let deadline = Instant::now() + PATIENCE * 2;
    while !logs()?.contains("RabbitMQ accepts no messages, and no queue is to blame") {
        anyhow::ensure!(Instant::now() < deadline, "the queues were not checked");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    eval(stack, &format!("rabbit_alarm:clear_alarm({disk}).")).await?;
    waiting.goes_on().await?;
    anyhow::ensure!(
        !logs()?.contains("lost this queue's contents"),
        "a healthy queue was deleted"
    );
    Ok(())
}

#[tokio::test]
async fn a_queue_with_other_arguments_is_named_and_when_it_is_deleted_work_goes_on() -> anyhow::Result<()> {
    const VERIFIER: &str = "challenge-verifier-1";
    const QUEUE: &str = "cdn-broker.challenge-verifier";
    let stack = Handle::start(Options::fast().with_own_rabbitmq()).await?;
    let e = stack.endpoints();
    let platform = Platform::new(&e.broker_url, &e.broker_username, &e.broker_password)?;
    let (id, name) = ("other-arguments", domain("other-arguments"));

    // Somebody's hand: a classic queue by that name, while the verifier is down.
    let channel = Connection::connect(&e.amqp_url, ConnectionProperties::default())
        .await?
        .create_channel()
        .await?;
    stack.kill(VERIFIER, Signal::Kill).await?;
    channel
        .queue_delete(QUEUE.into(), QueueDeleteOptions::default())
        .await?;
    let durable = QueueDeclareOptions {
        durable: true,
        ..QueueDeclareOptions::default()
    };
    channel
        .queue_declare(QUEUE.into(), durable, FieldTable::default())
        .await?;
    stack.begin_again(VERIFIER).await?;

    let now = stack.endpoints_now().await?;
    let verifier = now.process(VERIFIER).context("no verifier")?.clone();
    let health = verifier.health_url.context("no health address")?;
    let deadline = Instant::now() + PATIENCE;
    // Said more than once: it is tried again, by the same process.
    while said(&verifier.log)? < 2 {
        anyhow::ensure!(
            Instant::now() < deadline,
            "it is not said that {QUEUE} has other arguments"
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(reqwest::get(format!("{health}/healthz")).await?.status(), 200);
    assert_eq!(reqwest::get(format!("{health}/readyz")).await?.status(), 503);
    let still = stack.endpoints_now().await?;
    assert_eq!(still.process(VERIFIER).and_then(|process| process.pid), verifier.pid);

    platform.provision(id, "org", json!({"domains": [name]})).await?;
    channel
        .queue_delete(QUEUE.into(), QueueDeleteOptions::default())
        .await?;
    let told = platform
        .poll(id, PATIENCE, "a probe of the domain", |answer| {
            let text = answer.description();
            status::persist_value(text).is_some() && !text.contains("not checked yet")
        })
        .await?;
    let value = status::persist_value(told.description()).context("a set-once record")?;
    Dns::new(&e.dns_management_url)?
        .set_txt(&format!("_validation-persist.{name}"), &value)
        .await?;
    platform.succeeded(id, PATIENCE).await?;
    Ok(())
}

/// How often the log says that the queue has other arguments.
fn said(log: &std::path::Path) -> anyhow::Result<usize> {
    let text = std::fs::read_to_string(log)?;
    let line = |line: &&str| line.contains("cdn-broker.challenge-verifier") && line.contains("with other arguments");
    Ok(text.lines().filter(line).count())
}
