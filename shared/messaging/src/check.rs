//! The doctor's check of RabbitMQ: is it reachable, and may this user do what a service does? Existing objects are not
//! changed, and nothing is left behind: the one queue that is created is exclusive to this connection and is deleted
//! with it.

use std::time::Duration;

use doctor::{Check, Finding};
use lapin::options::{
    BasicGetOptions, ConfirmSelectOptions, ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions,
};
use lapin::protocol::{AMQPErrorKind, AMQPHardError, AMQPSoftError};
use lapin::types::FieldTable;
use lapin::uri::AMQPUri;
use lapin::{Channel, Connection, ConnectionProperties, ExchangeKind};
use telemetry::with_causes;
use uuid::Uuid;

use crate::args::AmqpArgs;
use crate::call::send;
use crate::error::{MessagingError, is_missing, refusal};
use crate::message::Message;
use crate::tls;
use crate::topology::{self, WORK_EXCHANGE, queues};
use crate::turn::Turn;

const ABOUT: &str = "RabbitMQ";
/// How long the doctor waits for its turn: less than the time limit of a check.
const A_MOMENT: Duration = Duration::from_secs(5);

/// Connects, checks every queue, and sends a message to itself along the path of wake-ups.
pub fn check_rabbitmq(args: &AmqpArgs, application: &str) -> Check {
    let (args, name) = (args.clone(), format!("{application} doctor"));
    Check::one(ABOUT, async move {
        let place = place(&args);
        match look(&args, &name).await {
            Ok(Seen { missing, all, arrived }) => {
                Finding::ok(ABOUT, format!("{place}, {}", told(missing, all, arrived)))
            }
            Err(error) => {
                let (what, to_do) = judged(&place, &error);
                Finding::fail(ABOUT, what, to_do)
            }
        }
    })
}

/// What was found.
struct Seen {
    missing: usize,
    all: usize,
    /// Whether a message came back; not tried while the exchange does not exist.
    arrived: Option<bool>,
}

async fn look(args: &AmqpArgs, name: &str) -> Result<Seen, MessagingError> {
    let connection = tls::connect(args, ConnectionProperties::default().with_connection_name(name.into())).await?;
    let seen = look_around(&connection, args).await;
    let _ = connection.close(200, "looked".into()).await;
    seen
}

async fn look_around(connection: &Connection, args: &AmqpArgs) -> Result<Seen, MessagingError> {
    let queues = queues(args);
    let missing = topology::missing(connection, &queues).await?;
    let existing = queues
        .iter()
        .filter(|queue| missing.iter().all(|missing| missing.name != queue.name));
    match Turn::wait(connection, A_MOMENT).await {
        Ok(turn) => {
            topology::declare_queues("comparing", &open(connection).await?, existing).await?;
            turn.end().await?;
        }
        // Somebody is declaring them.
        Err(MessagingError::NotMyTurn) if !missing.is_empty() => {}
        Err(error) => return Err(error),
    }
    let arrived = send_to_itself(connection).await?;
    Ok(Seen {
        missing: missing.len(),
        all: queues.len(),
        arrived,
    })
}

async fn open(connection: &Connection) -> Result<Channel, MessagingError> {
    Ok(connection.create_channel().await?)
}

/// Uses a separate queue, so that no worker sees the message. Tests the permissions to configure, write and read.
async fn send_to_itself(connection: &Connection) -> Result<Option<bool>, MessagingError> {
    let channel = open(connection).await?;
    let passive = ExchangeDeclareOptions {
        passive: true,
        ..Default::default()
    };
    let work = channel
        .exchange_declare(
            WORK_EXCHANGE.into(),
            ExchangeKind::Direct,
            passive,
            FieldTable::default(),
        )
        .await;
    match work {
        Ok(()) => {}
        Err(error) if is_missing(&error) => return Ok(None),
        Err(error) => return Err(error.into()),
    }
    let own = format!("cdn-broker.doctor.{}", Uuid::new_v4());
    let gone_with_us = QueueDeclareOptions {
        exclusive: true,
        auto_delete: true,
        ..Default::default()
    };
    channel
        .queue_declare(own.as_str().into(), gone_with_us, FieldTable::default())
        .await?;
    channel
        .queue_bind(
            own.as_str().into(),
            WORK_EXCHANGE.into(),
            own.as_str().into(),
            QueueBindOptions::default(),
            FieldTable::default(),
        )
        .await?;
    channel.confirm_select(ConfirmSelectOptions::default()).await?;
    let body = Message::new(Uuid::nil(), 0).body();
    send(&channel, WORK_EXCHANGE, &own, &body, FieldTable::default()).await?;
    let got = channel
        .basic_get(own.as_str().into(), BasicGetOptions { no_ack: true })
        .await?;
    Ok(Some(got.is_some()))
}

/// `host:port/vhost`, without user and password.
fn place(args: &AmqpArgs) -> String {
    match args.amqp_url.expose().parse::<AMQPUri>() {
        Ok(uri) => {
            let tls = match uri.scheme {
                lapin::uri::AMQPScheme::AMQPS => "TLS verified",
                lapin::uri::AMQPScheme::AMQP => "no TLS",
            };
            format!(
                "{}:{}, vhost {:?}, {tls}",
                uri.authority.host, uri.authority.port, uri.vhost
            )
        }
        Err(_) => "AMQP_URL".to_string(),
    }
}

fn told(missing: usize, all: usize, arrived: Option<bool>) -> String {
    let queues = match missing {
        0 => format!("{all} queues in place"),
        _ => format!("{missing} of {all} queues not there yet: the first service that connects declares them"),
    };
    match arrived {
        Some(true) => format!("{queues}, a message went through"),
        Some(false) => format!("{queues}, a message was accepted"),
        None => queues,
    }
}

/// The problem and the remedy.
fn judged(place: &str, error: &MessagingError) -> (String, &'static str) {
    let said = with_causes(error);
    match error {
        MessagingError::Setting(_) | MessagingError::Trust(_) => (said, "change the setting"),
        MessagingError::Tls(_) => (format!("{place}: {said}"), "then run the doctor again"),
        MessagingError::Topology { .. } => (
            format!("{place}: {said}"),
            "or give this program the DELIVERY_LIMIT and DELAY_QUEUES_MS that the other services have",
        ),
        MessagingError::NotMyTurn => (format!("{place}: {said}"), "run the doctor again in half a minute"),
        MessagingError::NotTaken(_) | MessagingError::Nacked | MessagingError::TimedOut { .. } => {
            (format!("{place}: {said}"), "check RabbitMQ's own log")
        }
        MessagingError::Connection(source) => (format!("{place} can't be used: {source}"), advice(source)),
    }
}

/// By the reply code (AMQP 0-9-1). A wrong password and a missing permission have the same code, 403.
fn advice(error: &lapin::Error) -> &'static str {
    match refusal(error) {
        Some(AMQPErrorKind::Soft(AMQPSoftError::ACCESSREFUSED)) if error.to_string().contains("Login was refused") => {
            "set user and password in AMQP_URL"
        }
        Some(AMQPErrorKind::Soft(AMQPSoftError::ACCESSREFUSED)) => {
            "the user needs the rights to configure, write and read cdn-broker.* in this virtual host: rabbitmqctl \
             set_permissions -p <vhost> <user> '^cdn-broker\\.' '^cdn-broker\\.' '^cdn-broker\\.'"
        }
        Some(AMQPErrorKind::Hard(AMQPHardError::NOTALLOWED)) => {
            "make the virtual host (rabbitmqctl add_vhost), give the user rights in it, or name another one in AMQP_URL"
        }
        _ => "check that it runs, and that host and port in AMQP_URL are right",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_has_no_password_in_it() {
        let at = |url: &str| place(&AmqpArgs::at(url));
        assert_eq!(
            at("amqp://cdn:s3cret@mq.example:5673/%2f"),
            "mq.example:5673, vhost \"/\", no TLS"
        );
        assert!(at("amqps://cdn:s3cret@mq.example/cdn").ends_with("vhost \"cdn\", TLS verified"));
        assert_eq!(at("s3cret"), "AMQP_URL");
    }

    #[test]
    fn queues_that_are_not_there_yet_are_no_fault() {
        assert_eq!(told(0, 49, Some(true)), "49 queues in place, a message went through");
        assert_eq!(
            told(49, 49, None),
            "49 of 49 queues not there yet: the first service that connects declares them"
        );
    }
}
