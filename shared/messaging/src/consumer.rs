//! Consuming: each task processes one message at a time, which is acknowledged only after its outcome is recorded.

use std::sync::Arc;

use futures_util::StreamExt as _;
use lapin::Channel;
use lapin::options::{BasicAckOptions, BasicCancelOptions, BasicConsumeOptions, BasicNackOptions, BasicQosOptions};
use lapin::types::FieldTable;

use crate::call::PATIENCE;
use crate::error::MessagingError;
use crate::message::Message;
use crate::trace::Trace;

/// A stream of deliveries.
pub struct Consumer {
    stream: lapin::Consumer,
    // Dropping the last handle of a channel closes it, and its unacknowledged messages are then requeued.
    channel: Arc<Channel>,
}

impl Consumer {
    pub(crate) async fn begin(channel: Arc<Channel>, queue: &str, prefetch: u16) -> Result<Self, MessagingError> {
        channel.basic_qos(prefetch, BasicQosOptions { global: false }).await?;
        let stream = channel
            .basic_consume(
                queue.into(),
                "".into(),
                BasicConsumeOptions::default(),
                FieldTable::default(),
            )
            .await?;
        Ok(Self { stream, channel })
    }

    /// Takes no more messages, but keeps the unacknowledged ones: they can still be acknowledged until this consumer is
    /// dropped.
    pub async fn stop(&self) {
        let cancelling = self
            .channel
            .basic_cancel(self.stream.tag(), BasicCancelOptions::default());
        match tokio::time::timeout(PATIENCE, cancelling).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::debug!(%error, "the consumer was gone already"),
            Err(_elapsed) => tracing::debug!("RabbitMQ does not answer a cancellation"),
        }
    }

    /// The next delivery; an error when the connection or the queue is gone.
    ///
    /// # Errors
    /// When the consumer has to be recreated.
    pub async fn next(&mut self) -> Result<Delivery, MessagingError> {
        match self.stream.next().await {
            Some(Ok(inner)) => Ok(Delivery { inner }),
            Some(Err(source)) => Err(MessagingError::Connection(source)),
            None => Err(MessagingError::NotTaken("the consumer was cancelled")),
        }
    }
}

/// An unacknowledged message.
pub struct Delivery {
    inner: lapin::message::Delivery,
}

impl Delivery {
    /// The message's content.
    ///
    /// # Errors
    /// When it is invalid: it should be parked.
    pub fn message(&self) -> Result<Message, String> {
        Message::parse(&self.inner.data)
    }

    /// The raw body.
    pub fn body(&self) -> &[u8] {
        &self.inner.data
    }

    /// The message was delivered before and not acknowledged.
    pub fn redelivered(&self) -> bool {
        self.inner.redelivered
    }

    /// The trace context of its sender.
    pub fn trace(&self) -> Trace {
        Trace::of(self.inner.properties.headers().as_ref())
    }

    /// Acknowledges the message.
    ///
    /// # Errors
    /// When the connection is gone; the message will be redelivered, and be stale.
    pub async fn ack(&self) -> Result<(), MessagingError> {
        self.inner.ack(BasicAckOptions::default()).await?;
        Ok(())
    }

    /// Requeues the message.
    ///
    /// # Errors
    /// When the connection is gone; the message is requeued because of that.
    pub async fn give_back(&self) -> Result<(), MessagingError> {
        let requeue = BasicNackOptions {
            requeue: true,
            ..Default::default()
        };
        self.inner.nack(requeue).await?;
        Ok(())
    }
}
