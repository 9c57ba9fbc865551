//! The queues as an operator sees and mends them. Nothing is declared here: a tool with other settings than the
//! services must not make queues of its own.

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
use crate::topology::{PARKING_EXCHANGE, PARKING_QUEUE, WORK_EXCHANGE, delay_queue, text, work_queue};
use crate::wake_up::WakeUp;
use crate::{tls, trace::Trace};

/// From 4.0 on RabbitMQ drops what was given back to a quorum queue 20 times, if nobody says otherwise. What was looked
/// at so often is put in anew.
const GIVEN_BACK_OFTEN: i64 = 10;
/// What is given back is seen in the queue by then.
const TAKEN_BACK: Duration = Duration::from_secs(2);

/// A connection of an operator's.
pub struct Queues {
    connection: Connection,
    args: AmqpArgs,
}

/// What a queue is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Steps of a service that are due.
    Work(Service),
    /// Steps that are due after so many milliseconds.
    Delay(u64),
    /// Notes for the operator.
    Parking,
}

/// A queue, and what is in it.
#[derive(Debug, Clone)]
pub struct QueueState {
    /// What it is for.
    pub purpose: Purpose,
    /// Its name.
    pub name: String,
    /// `None`: there is no such queue.
    pub found: Option<Found>,
}

/// What is in a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    /// Messages that nobody has in hand.
    pub ready: u32,
    /// Who takes them.
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

    /// Every queue that there is to be, by these settings.
    ///
    /// # Errors
    /// When RabbitMQ breaks off.
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

    /// Takes all that is parked into this process's hand. What is neither replayed nor dropped goes back when the hand
    /// is opened, or when this process ends in whatever way.
    ///
    /// # Errors
    /// When RabbitMQ breaks off, or no service has made the queue yet.
    pub async fn parked(&self) -> Result<Hand, MessagingError> {
        let channel = self.channel().await?;
        let confirming = channel.confirm_select(ConfirmSelectOptions::default());
        within("preparing", PARKING_QUEUE, confirming).await?;
        let there = look(&channel, PARKING_QUEUE).await?.ready;
        let mut messages = Vec::new();
        // Not until it is empty: what is parked meanwhile would never end.
        for _ in 0..there {
            let taking = channel.basic_get(PARKING_QUEUE.into(), BasicGetOptions::default());
            match within("taking from", PARKING_QUEUE, taking).await? {
                Some(message) => messages.push(Parked::of(message)),
                None => break,
            }
        }
        Ok(Hand { channel, messages })
    }

    /// Ends the connection, after all that was acknowledged has arrived.
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

/// All that is parked, in the hand of whoever holds this.
pub struct Hand {
    channel: Channel,
    messages: Vec<Parked>,
}

/// A parked message.
#[derive(Debug)]
pub struct Parked {
    message: BasicGetMessage,
    /// Made of what it says, so that it is the same at every look. Two that say the same share it.
    pub id: String,
    /// Whose queue it came from; `None`: nobody's that this program knows.
    pub service: Option<Service>,
    /// Why it was parked.
    pub reason: String,
    /// What it says, or why it can't be understood.
    pub wake_up: Result<WakeUp, String>,
    /// It is out of the parking queue.
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
            wake_up: WakeUp::parse(&message.data),
            gone: AtomicBool::new(false),
            message,
        }
    }

    /// The body as it is.
    pub fn body(&self) -> &[u8] {
        &self.message.data
    }

    /// Trace headers as they came.
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

/// The one that a worker wrote, or RabbitMQ's own.
fn reason(message: &BasicGetMessage) -> String {
    let words = |name| match header(message, name) {
        Some(AMQPValue::LongString(text)) => Some(text.to_string()),
        Some(AMQPValue::ShortString(text)) => Some(text.to_string()),
        _ => None,
    };
    match (words("reason"), words("x-first-death-reason").as_deref()) {
        (Some(reason), _) => reason,
        (None, Some("delivery_limit")) => {
            "it was in the hand of workers that died, DELIVERY_LIMIT times in a row".to_owned()
        }
        (None, Some(other)) => format!("RabbitMQ: {other}"),
        (None, None) => "no reason".to_owned(),
    }
}

impl Hand {
    /// What is in it, the oldest first.
    pub fn messages(&self) -> &[Parked] {
        &self.messages
    }

    /// Sends a message to its service's queue again. Only when RabbitMQ has it safely there is it taken from here:
    /// whoever dies in between leaves it in both places, where the second does no harm.
    ///
    /// # Errors
    /// When RabbitMQ doesn't take it, or the service is unknown; it stays parked then.
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

    /// Throws a message away.
    ///
    /// # Errors
    /// When RabbitMQ breaks off; it stays parked then.
    pub async fn drop(&self, message: &Parked) -> Result<(), MessagingError> {
        let tag = message.message.delivery.delivery_tag;
        let acknowledging = self.channel.basic_ack(tag, BasicAckOptions::default());
        within("acknowledging to", PARKING_QUEUE, acknowledging).await?;
        message.gone.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Lets go of all that was neither replayed nor dropped.
    ///
    /// # Errors
    /// When RabbitMQ breaks off; all of it is parked then.
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
            within("parking anew in", PARKING_QUEUE, sending).await?;
            self.drop(message).await?;
        }
        if self.messages.iter().any(|message| left(&message)) {
            let all = BasicNackOptions {
                multiple: true,
                requeue: true,
            };
            within("giving back to", PARKING_QUEUE, self.channel.basic_nack(0, all)).await?;
        }
        // A quorum queue takes them back a moment later, and whoever looks next is to find them.
        let patience = Instant::now() + TAKEN_BACK;
        while (look(&self.channel, PARKING_QUEUE).await?.ready as usize) < kept && Instant::now() < patience {
            sleep(Duration::from_millis(20)).await;
        }
        self.close().await
    }

    async fn close(&self) -> Result<(), MessagingError> {
        let closing = self.channel.close(200, "looked".into());
        within("giving back to", PARKING_QUEUE, closing).await
    }
}
