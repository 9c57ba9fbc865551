//! The queues as an operator sees and repairs them. Nothing is declared here: a tool with other settings than the
//! services must not create queues of its own.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use lapin::message::BasicGetMessage;
use lapin::options::{BasicAckOptions, BasicGetOptions, BasicNackOptions, ConfirmSelectOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{Channel, Connection, ConnectionProperties};
use pipeline::Service;
use tokio::time::{Instant, sleep};

use crate::args::AmqpArgs;
use crate::call::{send, within};
use crate::error::{MessagingError, is_missing};
use crate::message::Message;
use crate::topology::{PARKING_EXCHANGE, PARKING_QUEUE, WORK_EXCHANGE, delay_queue, text, work_queue};
use crate::{tls, trace::Trace};

/// From 4.0 on RabbitMQ drops a message that was requeued to a quorum queue 20 times, unless configured otherwise. A
/// message that was inspected this often is published again.
const GIVEN_BACK_OFTEN: i64 = 10;
/// Requeued messages are visible in the queue after this time.
const TAKEN_BACK: Duration = Duration::from_secs(2);

/// An operator's connection.
pub struct Queues {
    connection: Connection,
    args: AmqpArgs,
}

/// The purpose of a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Steps of a service that are due.
    Work(Service),
    /// Steps that are due after this many milliseconds.
    Delay(u64),
    /// Notes for the operator.
    Parking,
}

/// A queue and its content.
#[derive(Debug, Clone)]
pub struct QueueState {
    /// The purpose.
    pub purpose: Purpose,
    /// Its name.
    pub name: String,
    /// `None`: there is no such queue.
    pub found: Option<Found>,
}

/// The content of a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    /// Messages that are not delivered to any consumer.
    pub ready: u32,
    /// The number of its consumers.
    pub consumers: u32,
}

impl Queues {
    /// Connects.
    ///
    /// # Errors
    /// When RabbitMQ can't be reached.
    pub async fn connect(args: &AmqpArgs, name: &str) -> Result<Self, MessagingError> {
        let properties = ConnectionProperties::default().with_connection_name(name.into());
        let connection = within("connecting", "", tls::connect(args, properties)).await?;
        Ok(Self {
            connection,
            args: args.clone(),
        })
    }

    /// Every queue that should exist according to these settings.
    ///
    /// # Errors
    /// When the connection to RabbitMQ breaks.
    pub async fn states(&self) -> Result<Vec<QueueState>, MessagingError> {
        let work = Service::ALL.map(|service| (Purpose::Work(service), work_queue(service)));
        let delays = self.args.delay_queues_ms.all_ms().iter();
        let delays = delays.map(|ms| (Purpose::Delay(*ms), delay_queue(*ms)));
        let parking = std::iter::once((Purpose::Parking, PARKING_QUEUE.to_owned()));
        let mut states = Vec::new();
        let mut channel = self.channel().await?;
        for (purpose, name) in work.into_iter().chain(delays).chain(parking) {
            let found = match look(&channel, &name).await {
                Err(MessagingError::Connection(error)) if is_missing(&error) => {
                    // A refusal closes the channel.
                    channel = self.channel().await?;
                    None
                }
                found => Some(found?),
            };
            states.push(QueueState { purpose, name, found });
        }
        Ok(states)
    }

    /// Fetches all parked messages without acknowledging them. Those that are neither replayed nor dropped are requeued
    /// when the hand is opened, or when this process ends in any way.
    ///
    /// # Errors
    /// When the connection to RabbitMQ breaks, or no service has created the queue yet.
    pub async fn parked(&self) -> Result<Hand, MessagingError> {
        let channel = self.channel().await?;
        let confirming = channel.confirm_select(ConfirmSelectOptions::default());
        within("preparing", PARKING_QUEUE, confirming).await?;
        let there = look(&channel, PARKING_QUEUE).await?.ready;
        let mut messages = Vec::new();
        // Not until the queue is empty: with messages being parked at the same time, that might never end.
        for _ in 0..there {
            let taking = channel.basic_get(PARKING_QUEUE.into(), BasicGetOptions::default());
            match within("taking from", PARKING_QUEUE, taking).await? {
                Some(message) => messages.push(Parked::of(message)),
                None => break,
            }
        }
        Ok(Hand { channel, messages })
    }

    /// Closes the connection, after all acknowledgements have arrived.
    pub async fn close(self) {
        let _ = within("closing", "", self.connection.close(200, "done".into())).await;
    }

    async fn channel(&self) -> Result<Channel, MessagingError> {
        within("opening", "a channel", self.connection.create_channel()).await
    }
}

async fn look(channel: &Channel, name: &str) -> Result<Found, MessagingError> {
    let passive = QueueDeclareOptions {
        passive: true,
        ..Default::default()
    };
    let declaring = channel.queue_declare(name.into(), passive, FieldTable::default());
    let queue = within("counting", name, declaring).await?;
    Ok(Found {
        ready: queue.message_count(),
        consumers: queue.consumer_count(),
    })
}

/// All parked messages, unacknowledged while this value is held.
pub struct Hand {
    channel: Channel,
    messages: Vec<Parked>,
}

/// A parked message.
#[derive(Debug)]
pub struct Parked {
    message: BasicGetMessage,
    /// Derived from its content, so that it is the same each time. Messages with the same content share it.
    pub id: String,
    /// The service whose queue it came from; `None`: none that this program knows.
    pub service: Option<Service>,
    /// Why it was parked.
    pub reason: String,
    /// Its content, or why it is invalid.
    pub content: Result<Message, String>,
    /// It has left the parking queue.
    gone: AtomicBool,
}

impl Parked {
    fn of(message: BasicGetMessage) -> Self {
        let key = message.routing_key.to_string();
        let reason = reason(&message);
        let told = [key.as_bytes(), b"\0", reason.as_bytes(), b"\0", &message.data].concat();
        let hash = digest(&SHA256, &told);
        Self {
            id: hash.as_ref().iter().take(4).map(|byte| format!("{byte:02x}")).collect(),
            service: Service::ALL.into_iter().find(|service| service.as_str() == key),
            reason,
            content: Message::parse(&message.data),
            gone: AtomicBool::new(false),
            message,
        }
    }

    /// The raw body.
    pub fn body(&self) -> &[u8] {
        &self.message.data
    }

    /// The trace headers, unchanged.
    fn trace(&self) -> Trace {
        Trace::of(self.message.properties.headers().as_ref())
    }

    fn given_back(&self) -> i64 {
        match header(&self.message, "x-delivery-count") {
            Some(AMQPValue::LongLongInt(count)) => *count,
            _ => 0,
        }
    }
}

fn header<'m>(message: &'m BasicGetMessage, name: &str) -> Option<&'m AMQPValue> {
    message.properties.headers().as_ref()?.inner().get(name)
}

/// The reason given by a worker, or RabbitMQ's own.
fn reason(message: &BasicGetMessage) -> String {
    let words = |name| match header(message, name) {
        Some(AMQPValue::LongString(text)) => Some(text.to_string()),
        Some(AMQPValue::ShortString(text)) => Some(text.to_string()),
        _ => None,
    };
    match (words("reason"), words("x-first-death-reason").as_deref()) {
        (Some(reason), _) => reason,
        (None, Some("delivery_limit")) => "workers died while they had it, DELIVERY_LIMIT times in a row".to_owned(),
        (None, Some(other)) => format!("RabbitMQ: {other}"),
        (None, None) => "no reason".to_owned(),
    }
}

impl Hand {
    /// The messages, the oldest first.
    pub fn messages(&self) -> &[Parked] {
        &self.messages
    }

    /// Publishes a message to its service's queue again. It is removed from here only after RabbitMQ has confirmed it:
    /// a crash in between leaves it in both places, where the duplicate does no harm.
    ///
    /// # Errors
    /// When RabbitMQ doesn't accept it, or the service is unknown; it stays parked then.
    pub async fn replay(&self, message: &Parked) -> Result<(), MessagingError> {
        let service = message
            .service
            .ok_or(MessagingError::NotTaken("no service is known by its routing key"))?;
        let mut headers = FieldTable::default();
        message.trace().put_into(&mut headers);
        let key = service.as_str();
        let sending = send(&self.channel, WORK_EXCHANGE, key, message.body(), headers);
        within("replaying to", key, sending).await?;
        self.drop(message).await
    }

    /// Discards a message.
    ///
    /// # Errors
    /// When the connection to RabbitMQ breaks; it stays parked then.
    pub async fn drop(&self, message: &Parked) -> Result<(), MessagingError> {
        let tag = message.message.delivery.delivery_tag;
        let acknowledging = self.channel.basic_ack(tag, BasicAckOptions::default());
        within("acknowledging to", PARKING_QUEUE, acknowledging).await?;
        message.gone.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Requeues all messages that were neither replayed nor dropped.
    ///
    /// # Errors
    /// When the connection to RabbitMQ breaks; all of them are parked then.
    pub async fn open(self) -> Result<(), MessagingError> {
        let left = |message: &&Parked| !message.gone.load(Ordering::Relaxed);
        let kept = self.messages.iter().filter(left).count();
        for message in self.messages.iter().filter(left) {
            if message.given_back() < GIVEN_BACK_OFTEN {
                continue;
            }
            let mut headers = FieldTable::default();
            headers.insert("reason".into(), text(&message.reason));
            message.trace().put_into(&mut headers);
            let key = message.message.routing_key.to_string();
            let sending = send(&self.channel, PARKING_EXCHANGE, &key, message.body(), headers);
            within("parking again in", PARKING_QUEUE, sending).await?;
            self.drop(message).await?;
        }
        if self.messages.iter().any(|message| left(&message)) {
            let all = BasicNackOptions {
                multiple: true,
                requeue: true,
            };
            within("requeueing to", PARKING_QUEUE, self.channel.basic_nack(0, all)).await?;
        }
        // A quorum queue takes them back a moment later, and the next reader is to find them.
        let patience = Instant::now() + TAKEN_BACK;
        while (look(&self.channel, PARKING_QUEUE).await?.ready as usize) < kept && Instant::now() < patience {
            sleep(Duration::from_millis(20)).await;
        }
        self.close().await
    }

    async fn close(&self) -> Result<(), MessagingError> {
        let closing = self.channel.close(200, "looked".into());
        within("requeueing to", PARKING_QUEUE, closing).await
    }
}
