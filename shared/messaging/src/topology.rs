//! Exchanges and queues, declared by whoever connects first. All durable, all quorum queues; arguments as measured in
//! docs/decisions.md.

use lapin::options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable, LongString};
use lapin::{Channel, ExchangeKind};
use pipeline::Service;

use crate::args::AmqpArgs;
use crate::error::MessagingError;

/// Messages for a service, routed by its name.
pub(crate) const WORK_EXCHANGE: &str = "cdn-broker.work";
/// Messages that wait, routed to a rung by the header [`DELAY_HEADER`].
pub(crate) const DELAY_EXCHANGE: &str = "cdn-broker.delay";
/// Messages that no worker can do anything with.
pub(crate) const PARKING_EXCHANGE: &str = "cdn-broker.parking";
/// Where those lie until an operator looks.
pub(crate) const PARKING_QUEUE: &str = "cdn-broker.parking";
/// Header that chooses the rung.
pub(crate) const DELAY_HEADER: &str = "delay-ms";

/// A service's work queue.
pub(crate) fn work_queue(service: Service) -> String {
    format!("cdn-broker.{}", service.as_str())
}

pub(crate) async fn declare(channel: &Channel, args: &AmqpArgs) -> Result<(), MessagingError> {
    exchange(channel, WORK_EXCHANGE, ExchangeKind::Direct).await?;
    exchange(channel, DELAY_EXCHANGE, ExchangeKind::Headers).await?;
    exchange(channel, PARKING_EXCHANGE, ExchangeKind::Fanout).await?;
    queue(channel, PARKING_QUEUE, FieldTable::default()).await?;
    bind(channel, PARKING_QUEUE, PARKING_EXCHANGE, "", FieldTable::default()).await?;
    for service in Service::ALL {
        let name = work_queue(service);
        let mut arguments = dead_letter_to(PARKING_EXCHANGE);
        arguments.insert(
            "x-delivery-limit".into(),
            AMQPValue::LongInt(args.delivery_limit.cast_signed()),
        );
        queue(channel, &name, arguments).await?;
        bind(channel, &name, WORK_EXCHANGE, service.as_str(), FieldTable::default()).await?;
    }
    for rung in args.delay_ladder_ms.rungs_ms() {
        let name = format!("cdn-broker.delay.{rung}");
        let mut arguments = dead_letter_to(WORK_EXCHANGE);
        arguments.insert("x-message-ttl".into(), AMQPValue::LongLongInt(rung.cast_signed()));
        queue(channel, &name, arguments).await?;
        let mut header = FieldTable::default();
        header.insert("x-match".into(), text("all"));
        header.insert(DELAY_HEADER.into(), AMQPValue::LongLongInt(rung.cast_signed()));
        bind(channel, &name, DELAY_EXCHANGE, "", header).await?;
    }
    Ok(())
}

/// Dead-lettering that loses nothing: at-least-once, which requires reject-publish. The routing key stays unchanged.
fn dead_letter_to(exchange: &str) -> FieldTable {
    let mut arguments = FieldTable::default();
    arguments.insert("x-dead-letter-exchange".into(), text(exchange));
    arguments.insert("x-dead-letter-strategy".into(), text("at-least-once"));
    arguments.insert("x-overflow".into(), text("reject-publish"));
    arguments
}

pub(crate) fn text(value: &str) -> AMQPValue {
    AMQPValue::LongString(LongString::from(value))
}

async fn exchange(channel: &Channel, name: &str, kind: ExchangeKind) -> Result<(), MessagingError> {
    let options = ExchangeDeclareOptions {
        durable: true,
        ..Default::default()
    };
    channel
        .exchange_declare(name.into(), kind, options, FieldTable::default())
        .await
        .map_err(|source| named(name, source))
}

async fn queue(channel: &Channel, name: &str, mut arguments: FieldTable) -> Result<(), MessagingError> {
    arguments.insert("x-queue-type".into(), text("quorum"));
    channel
        .queue_declare(name.into(), QueueDeclareOptions::durable(), arguments)
        .await
        .map(|_| ())
        .map_err(|source| named(name, source))
}

async fn bind(
    channel: &Channel,
    queue: &str,
    exchange: &str,
    routing_key: &str,
    arguments: FieldTable,
) -> Result<(), MessagingError> {
    channel
        .queue_bind(
            queue.into(),
            exchange.into(),
            routing_key.into(),
            QueueBindOptions::default(),
            arguments,
        )
        .await
        .map_err(|source| named(queue, source))
}

/// 406 PRECONDITION_FAILED is a topology that differs; anything else is the connection.
fn named(name: &str, source: lapin::Error) -> MessagingError {
    if source.to_string().contains("PRECONDITION") {
        MessagingError::Topology {
            name: name.to_string(),
            source,
        }
    } else {
        MessagingError::Connection(source)
    }
}
