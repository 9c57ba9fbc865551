//! Exchanges and queues, declared by the first process that connects. All are durable, all queues are quorum queues.

use lapin::options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions};
use lapin::protocol::{AMQPErrorKind, AMQPSoftError};
use lapin::types::{AMQPValue, FieldTable, LongString};
use lapin::{Channel, Connection, ExchangeKind};
use pipeline::Service;

use crate::args::AmqpArgs;
use crate::call::within;
use crate::error::{MessagingError, is_missing, refusal};

/// Messages for a service, routed by its name.
pub(crate) const WORK_EXCHANGE: &str = "cdn-broker.work";
/// Messages that wait, routed to a delay queue by the header [`DELAY_HEADER`].
pub(crate) const DELAY_EXCHANGE: &str = "cdn-broker.delay";
/// Messages that no worker can process.
pub(crate) const PARKING_EXCHANGE: &str = "cdn-broker.parking";
/// Where parked messages stay until an operator handles them.
pub(crate) const PARKING_QUEUE: &str = "cdn-broker.parking";
/// Header that chooses the delay queue.
pub(crate) const DELAY_HEADER: &str = "delay-ms";

/// A service's work queue.
pub(crate) fn work_queue(service: Service) -> String {
    format!("cdn-broker.{}", service.as_str())
}

/// The queue of messages that wait for this many milliseconds.
pub(crate) fn delay_queue(ms: u64) -> String {
    format!("cdn-broker.delay.{ms}")
}

/// A queue with its bindings.
pub(crate) struct Queue {
    pub(crate) name: String,
    arguments: FieldTable,
    exchange: &'static str,
    routing_key: &'static str,
    binding: FieldTable,
}

/// Every queue that should exist.
pub(crate) fn queues(args: &AmqpArgs) -> Vec<Queue> {
    let parking = Queue {
        name: PARKING_QUEUE.to_string(),
        arguments: FieldTable::default(),
        exchange: PARKING_EXCHANGE,
        routing_key: "",
        binding: FieldTable::default(),
    };
    let work = Service::ALL.into_iter().map(|service| {
        let mut arguments = dead_letter_to(PARKING_EXCHANGE);
        arguments.insert(
            "x-delivery-limit".into(),
            AMQPValue::LongInt(args.delivery_limit.cast_signed()),
        );
        Queue {
            name: work_queue(service),
            arguments,
            exchange: WORK_EXCHANGE,
            routing_key: service.as_str(),
            binding: FieldTable::default(),
        }
    });
    let delays = args.delay_queues_ms.all_ms().iter().map(|ms| {
        let mut arguments = dead_letter_to(WORK_EXCHANGE);
        arguments.insert("x-message-ttl".into(), AMQPValue::LongLongInt(ms.cast_signed()));
        let mut binding = FieldTable::default();
        binding.insert("x-match".into(), text("all"));
        binding.insert(DELAY_HEADER.into(), AMQPValue::LongLongInt(ms.cast_signed()));
        Queue {
            name: delay_queue(*ms),
            arguments,
            exchange: DELAY_EXCHANGE,
            routing_key: "",
            binding,
        }
    });
    std::iter::once(parking).chain(work).chain(delays).collect()
}

/// Declares the exchanges and the queues.
pub(crate) async fn declare(channel: &Channel, queues: &[Queue]) -> Result<(), MessagingError> {
    exchange(channel, WORK_EXCHANGE, ExchangeKind::Direct).await?;
    exchange(channel, DELAY_EXCHANGE, ExchangeKind::Headers).await?;
    exchange(channel, PARKING_EXCHANGE, ExchangeKind::Fanout).await?;
    declare_queues("declaring", channel, queues.iter()).await
}

/// Declares and binds these queues; of one that exists, RabbitMQ compares the arguments with this program's. Each has a time
/// limit of its own: creating every queue may take a slow RabbitMQ longer than that.
pub(crate) async fn declare_queues(
    doing: &'static str,
    channel: &Channel,
    queues: impl Iterator<Item = &Queue>,
) -> Result<(), MessagingError> {
    for queue in queues {
        within(doing, &queue.name, queue.declare(channel)).await?;
    }
    Ok(())
}

/// Those of the queues that are missing. Creates nothing, and so needs no turn.
pub(crate) async fn missing<'q>(
    connection: &Connection,
    queues: &'q [Queue],
) -> Result<Vec<&'q Queue>, MessagingError> {
    let open = async || within("opening", "a channel", connection.create_channel()).await;
    let mut missing = Vec::new();
    let mut channel = open().await?;
    for queue in queues {
        if !within("looking for", &queue.name, queue.there(&channel)).await? {
            missing.push(queue);
            // A refusal closes the channel.
            channel = open().await?;
        }
    }
    within("closing", "a channel", channel.close(200, "looked".into())).await?;
    Ok(missing)
}

impl Queue {
    /// Exchange, routing key and headers with which a wake-up reaches this queue; none reaches the parking queue.
    pub(crate) fn address(&self) -> Option<(&'static str, &'static str, FieldTable)> {
        match self.exchange {
            WORK_EXCHANGE => Some((WORK_EXCHANGE, self.routing_key, FieldTable::default())),
            DELAY_EXCHANGE => {
                let mut headers = FieldTable::default();
                headers.insert(DELAY_HEADER.into(), self.binding.inner().get(DELAY_HEADER)?.clone());
                Some((DELAY_EXCHANGE, Service::ChallengeVerifier.as_str(), headers))
            }
            _ => None,
        }
    }

    /// Whether it exists, with whatever arguments. If not, RabbitMQ closes the channel.
    async fn there(&self, channel: &Channel) -> Result<bool, MessagingError> {
        let passive = QueueDeclareOptions {
            passive: true,
            ..Default::default()
        };
        let looked = channel.queue_declare(self.name.as_str().into(), passive, FieldTable::default());
        match looked.await {
            Ok(_) => Ok(true),
            Err(error) if is_missing(&error) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Declares and binds it.
    pub(crate) async fn declare(&self, channel: &Channel) -> Result<(), MessagingError> {
        let mut arguments = self.arguments.clone();
        arguments.insert("x-queue-type".into(), text("quorum"));
        channel
            .queue_declare(self.name.as_str().into(), QueueDeclareOptions::durable(), arguments)
            .await
            .map_err(|source| named(&self.name, source))?;
        channel
            .queue_bind(
                self.name.as_str().into(),
                self.exchange.into(),
                self.routing_key.into(),
                QueueBindOptions::default(),
                self.binding.clone(),
            )
            .await
            .map_err(|source| named(&self.name, source))
    }
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
    let declaring = channel.exchange_declare(name.into(), kind, options, FieldTable::default());
    within("declaring", name, async {
        declaring.await.map_err(|source| named(name, source))
    })
    .await
}

/// 406 PRECONDITION_FAILED means a different topology; anything else is a connection problem.
fn named(name: &str, source: lapin::Error) -> MessagingError {
    if refusal(&source) == Some(&AMQPErrorKind::Soft(AMQPSoftError::PRECONDITIONFAILED)) {
        MessagingError::Topology {
            name: name.to_string(),
            source,
        }
    } else {
        MessagingError::Connection(source)
    }
}
