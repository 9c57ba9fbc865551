//! The connection, and publishing with confirms.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError};

use futures_util::future::try_join_all;
use lapin::options::{ConfirmSelectOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{Channel, Connection, ConnectionProperties};
use pipeline::{Service, WakeUp};
use tokio::sync::Mutex;

use crate::args::AmqpArgs;
use crate::call::{send, within};
use crate::channels::{Channels, Use};
use crate::consumer::Consumer;
use crate::error::{MessagingError, is_refusal_of_use};
use crate::message::Message;
use crate::queue_repair::{Suspicion, repair};
use crate::tls;
use crate::topology::{self, DELAY_EXCHANGE, DELAY_HEADER, PARKING_EXCHANGE, WORK_EXCHANGE, queues, work_queue};
use crate::trace::Trace;
use crate::turn::{LONGEST_WAIT, Turn};

/// The connection to RabbitMQ: opened on first use, and again after it broke.
pub struct Messaging {
    args: AmqpArgs,
    name: String,
    link: Mutex<Option<Link>>,
    generations: AtomicU64,
    declared: AtomicBool,
    suspicion: std::sync::Mutex<Suspicion>,
    channels: Channels,
}

struct Link {
    connection: Connection,
    publishing: Arc<Channel>,
    /// Counts connections, so that a late failure of an old one doesn't end the new one.
    generation: u64,
}

impl Messaging {
    /// Creates the handle without connecting; `name` is shown to RabbitMQ's operator.
    pub fn new(args: AmqpArgs, name: &str) -> Self {
        Self {
            args,
            name: name.to_string(),
            link: Mutex::new(None),
            generations: AtomicU64::new(0),
            declared: AtomicBool::new(false),
            suspicion: std::sync::Mutex::default(),
            channels: Channels::default(),
        }
    }

    /// Sets the gauges of open channels.
    pub fn measure(&self) {
        self.channels.measure();
    }

    /// Publishes wake-ups and waits until RabbitMQ has confirmed each of them.
    ///
    /// # Errors
    /// When it has not confirmed, or can't be reached; some of them may have been published, which does no harm.
    pub async fn publish(&self, wake_ups: &[WakeUp], trace: &Trace) -> Result<(), MessagingError> {
        if wake_ups.is_empty() {
            return Ok(());
        }
        let result = self.publish_all(wake_ups, trace).await;
        let outcome = if result.is_ok() { "taken" } else { "failed" };
        metrics::counter!("messages_published_total", "outcome" => outcome).increment(wake_ups.len() as u64);
        result
    }

    async fn publish_all(&self, wake_ups: &[WakeUp], trace: &Trace) -> Result<(), MessagingError> {
        let (channel, generation) = self.publishing().await?;
        let all = try_join_all(
            wake_ups
                .iter()
                .map(|wake_up| self.publish_one(&channel, wake_up, trace)),
        );
        let mut queues: Vec<&str> = wake_ups.iter().map(|wake_up| wake_up.service.as_str()).collect();
        queues.dedup();
        let result = within("publishing for", queues.join(", "), async { all.await.map(|_| ()) }).await;
        self.forget_when_broken(generation, &result).await;
        result
    }

    async fn publish_one(&self, channel: &Channel, wake_up: &WakeUp, trace: &Trace) -> Result<(), MessagingError> {
        let mut headers = FieldTable::default();
        trace.put_into(&mut headers);
        let exchange = match self.args.delay_queues_ms.ms_for(wake_up.delay) {
            Some(ms) => {
                headers.insert(DELAY_HEADER.into(), AMQPValue::LongLongInt(ms.cast_signed()));
                DELAY_EXCHANGE
            }
            None => WORK_EXCHANGE,
        };
        let body = Message::new(wake_up.step, wake_up.attempt).body();
        send(channel, exchange, wake_up.service.as_str(), &body, headers).await
    }

    /// Parks a message that nothing can process, with the reason, where an operator will find it.
    ///
    /// # Errors
    /// When RabbitMQ doesn't accept it; then it must not be acknowledged.
    pub async fn park(&self, service: Service, body: &[u8], reason: &str) -> Result<(), MessagingError> {
        let (channel, generation) = self.publishing().await?;
        let mut headers = FieldTable::default();
        headers.insert("reason".into(), topology::text(reason));
        let result = within(
            "parking a message of",
            service.as_str(),
            send(&channel, PARKING_EXCHANGE, service.as_str(), body, headers),
        )
        .await;
        self.forget_when_broken(generation, &result).await;
        if result.is_ok() {
            metrics::counter!("messages_parked_total", "service" => service.as_str()).increment(1);
        }
        result
    }

    /// Starts to consume a service's queue, with at most `prefetch` unacknowledged messages.
    ///
    /// # Errors
    /// When RabbitMQ can't be reached or its topology differs.
    pub async fn consume(&self, service: Service, prefetch: u16) -> Result<Consumer, MessagingError> {
        let (channel, generation) = self.channel().await?;
        let channel = self.channels.add(Use::Consume, channel);
        let result = within(
            "consuming",
            work_queue(service),
            Consumer::begin(channel, &work_queue(service), prefetch),
        )
        .await;
        self.forget_when_broken(generation, &result).await;
        result
    }

    /// The number of the service's ready messages (unacknowledged ones are not counted).
    ///
    /// # Errors
    /// When RabbitMQ can't be reached.
    pub async fn ready(&self, service: Service) -> Result<u32, MessagingError> {
        let (channel, generation) = self.channel().await?;
        let passive = QueueDeclareOptions {
            passive: true,
            durable: true,
            ..Default::default()
        };
        let result = within("counting", work_queue(service), async {
            let declaring = channel.queue_declare(work_queue(service).into(), passive, FieldTable::default());
            let queue = declaring.await?;
            let _ = channel.close(200, "done".into()).await;
            Ok::<_, lapin::Error>(queue.message_count())
        })
        .await;
        self.forget_when_broken(generation, &result).await;
        result
    }

    /// Closes the connection: unacknowledged messages are requeued.
    pub async fn close(&self) {
        // Whoever connects now holds the link.
        let closing = async {
            match self.link.lock().await.take() {
                Some(link) => link.connection.close(200, "shutting down".into()).await,
                None => Ok(()),
            }
        };
        let _ = within("closing", "the connection", closing).await;
    }

    async fn publishing(&self) -> Result<(Arc<Channel>, u64), MessagingError> {
        let mut link = self.link.lock().await;
        let linked = self.linked(&mut link).await?;
        Ok((linked.publishing.clone(), linked.generation))
    }

    async fn channel(&self) -> Result<(Channel, u64), MessagingError> {
        let mut link = self.link.lock().await;
        let linked = self.linked(&mut link).await?;
        let channel = within("opening", "a channel", linked.connection.create_channel()).await?;
        Ok((channel, linked.generation))
    }

    async fn linked<'l>(&self, link: &'l mut Option<Link>) -> Result<&'l Link, MessagingError> {
        let usable = link
            .as_ref()
            .is_some_and(|link| link.connection.status().connected() && link.publishing.status().connected());
        if !usable {
            *link = None;
            let fresh = self.connect().await;
            if self.suspects(&fresh) {
                repair(&self.args).await;
            }
            let fresh = fresh?;
            tracing::info!("connected to RabbitMQ");
            return Ok(link.insert(fresh));
        }
        link.as_ref().ok_or(MessagingError::NotTaken("there is no connection"))
    }

    async fn connect(&self) -> Result<Link, MessagingError> {
        let properties = ConnectionProperties::default().with_connection_name(self.name.as_str().into());
        let connection = within("connecting to", "RabbitMQ", tls::connect(&self.args, properties)).await?;
        let publishing = within("opening", "a channel", connection.create_channel()).await?;
        self.declare(&connection, &publishing).await?;
        let confirming = publishing.confirm_select(ConfirmSelectOptions::default());
        within("asking for", "confirms", confirming).await?;
        Ok(Link {
            connection,
            publishing: self.channels.add(Use::Publish, publishing),
            generation: self.generations.fetch_add(1, Ordering::Relaxed),
        })
    }

    /// Declares exchanges and queues, in this process's turn. A process that has done it, and that nothing was refused to
    /// since, needs no turn when it connects again and every queue is there: after a restart of RabbitMQ all processes
    /// would wait for one another.
    async fn declare(&self, connection: &Connection, channel: &Channel) -> Result<(), MessagingError> {
        let queues = queues(&self.args);
        if self.declared.load(Ordering::Relaxed) && topology::missing(connection, &queues).await?.is_empty() {
            return Ok(());
        }
        let turn = Turn::wait(connection, LONGEST_WAIT).await?;
        topology::declare(channel, &queues).await?;
        turn.end().await?;
        self.declared.store(true, Ordering::Relaxed);
        Ok(())
    }

    fn suspects<T>(&self, result: &Result<T, MessagingError>) -> bool {
        self.suspicion
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .rises(result)
    }

    /// After a broken connection the next use opens a new one, which declares queues and exchanges that may have been
    /// deleted.
    async fn forget_when_broken<T>(&self, generation: u64, result: &Result<T, MessagingError>) {
        let suspicious = self.suspects(result);
        let Err(error) = result else {
            return;
        };
        let mut link = self.link.lock().await;
        if let Some(broken) = link.take_if(|link| link.generation == generation) {
            // When the connection is gone, its channels say what they say after a refusal.
            if broken.connection.status().connected() && is_refusal_of_use(error) {
                self.declared.store(false, Ordering::Relaxed);
            }
        }
        drop(link);
        if suspicious {
            repair(&self.args).await;
        }
    }
}
