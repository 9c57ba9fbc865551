//! A work queue and a delay queue beside the services' own, of the same kind: for floors that use RabbitMQ.

use std::time::Duration;

use anyhow::ensure;
use lapin::options::{
    BasicConsumeOptions, BasicPublishOptions, BasicQosOptions, ConfirmSelectOptions, ExchangeDeclareOptions,
    ExchangeDeleteOptions, QueueBindOptions, QueueDeclareOptions, QueueDeleteOptions,
};
use lapin::types::{AMQPValue, FieldTable, LongString};
use lapin::{BasicProperties, Channel, Confirmation, Connection, ConnectionProperties, Consumer, ExchangeKind};
use uuid::Uuid;

use crate::site::Site;

/// Persistent delivery (AMQP 0-9-1 `delivery-mode`).
const PERSISTENT: u8 = 2;

/// Both queues. What is in the delay queue goes to the work queue when its time is over.
pub(crate) struct Queues {
    connection: Connection,
    publishing: Channel,
    consuming: Channel,
    exchange: String,
    pub(crate) work: String,
    pub(crate) delay: String,
}

impl Queues {
    /// Declares them, under names that nothing else has.
    ///
    /// # Errors
    /// When RabbitMQ refuses.
    pub(crate) async fn declare(site: &Site, delay: Duration) -> anyhow::Result<Self> {
        let url = &site.stack.endpoints().amqp_url;
        let connection = Connection::connect(url, ConnectionProperties::default()).await?;
        let (publishing, consuming) = (connection.create_channel().await?, connection.create_channel().await?);
        publishing.confirm_select(ConfirmSelectOptions::default()).await?;
        let name = format!("bench.{}", Uuid::new_v4());
        let queues = Self {
            connection,
            publishing,
            consuming,
            work: format!("{name}.work"),
            delay: format!("{name}.delay"),
            exchange: name,
        };
        queues.make(i64::try_from(delay.as_millis())?).await?;
        Ok(queues)
    }

    /// With the arguments of the services' queues.
    async fn make(&self, delay_ms: i64) -> anyhow::Result<()> {
        let channel = &self.publishing;
        let durable = ExchangeDeclareOptions {
            durable: true,
            ..Default::default()
        };
        let exchange = self.exchange.as_str();
        channel
            .exchange_declare(exchange.into(), ExchangeKind::Direct, durable, FieldTable::default())
            .await?;
        let mut delaying = quorum();
        delaying.insert("x-message-ttl".into(), AMQPValue::LongLongInt(delay_ms));
        delaying.insert("x-dead-letter-exchange".into(), text(exchange));
        delaying.insert("x-dead-letter-routing-key".into(), text(&self.work));
        delaying.insert("x-dead-letter-strategy".into(), text("at-least-once"));
        delaying.insert("x-overflow".into(), text("reject-publish"));
        for (queue, arguments) in [(&self.work, quorum()), (&self.delay, delaying)] {
            channel
                .queue_declare(queue.as_str().into(), QueueDeclareOptions::durable(), arguments)
                .await?;
        }
        let (work, options) = (self.work.as_str(), QueueBindOptions::default());
        channel
            .queue_bind(
                work.into(),
                exchange.into(),
                work.into(),
                options,
                FieldTable::default(),
            )
            .await?;
        Ok(())
    }

    /// Publishes into one of them, and waits until RabbitMQ has confirmed it.
    ///
    /// # Errors
    /// When it has not.
    pub(crate) async fn publish(&self, queue: &str, body: &[u8]) -> anyhow::Result<()> {
        let options = BasicPublishOptions {
            mandatory: true,
            ..Default::default()
        };
        let properties = BasicProperties::default().with_delivery_mode(PERSISTENT);
        let confirmation = self
            .publishing
            .basic_publish("".into(), queue.into(), options, body, properties)
            .await?
            .await?;
        ensure!(
            matches!(confirmation, Confirmation::Ack(None)),
            "not taken: {confirmation:?}"
        );
        Ok(())
    }

    /// Consumes the work queue, with so many messages in hand.
    ///
    /// # Errors
    /// When RabbitMQ refuses.
    pub(crate) async fn consume(&self, prefetch: u16) -> anyhow::Result<Consumer> {
        self.consuming.basic_qos(prefetch, BasicQosOptions::default()).await?;
        let (options, arguments) = (BasicConsumeOptions::default(), FieldTable::default());
        let consuming = self
            .consuming
            .basic_consume(self.work.as_str().into(), "".into(), options, arguments);
        Ok(consuming.await?)
    }

    /// Deletes them with what is in them.
    ///
    /// # Errors
    /// When RabbitMQ refuses.
    pub(crate) async fn end(&self) -> anyhow::Result<()> {
        for queue in [&self.work, &self.delay] {
            let deleting = self
                .publishing
                .queue_delete(queue.as_str().into(), QueueDeleteOptions::default());
            deleting.await?;
        }
        let options = ExchangeDeleteOptions::default();
        self.publishing
            .exchange_delete(self.exchange.as_str().into(), options)
            .await?;
        Ok(self.connection.close(200, "done".into()).await?)
    }
}

fn quorum() -> FieldTable {
    let mut arguments = FieldTable::default();
    arguments.insert("x-queue-type".into(), text("quorum"));
    arguments
}

fn text(value: &str) -> AMQPValue {
    AMQPValue::LongString(LongString::from(value))
}
