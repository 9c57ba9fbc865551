//! Consuming: one message at a time in hand of a task, acknowledged only after its outcome is recorded.

use std::sync::Arc;

use futures_util::StreamExt as _;
use lapin::Channel;
use lapin::options::{BasicAckOptions, BasicCancelOptions, BasicConsumeOptions, BasicNackOptions, BasicQosOptions};
use lapin::types::FieldTable;

use crate::call::PATIENCE;
use crate::error::MessagingError;
use crate::trace::Trace;
use crate::wake_up::WakeUp;

/// A stream of deliveries.
pub struct Consumer {
    stream: lapin::Consumer,
    // Dropping the last handle of a channel closes it, and what is in hand then goes back to the queue.
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

    /// Takes no more, but keeps what is in hand: it can still be acknowledged until this consumer is dropped.
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
    /// Then consume anew.
    pub async fn next(&mut self) -> Result<Delivery, MessagingError> {
        match self.stream.next().await {
            Some(Ok(inner)) => Ok(Delivery { inner }),
            Some(Err(source)) => Err(MessagingError::Connection(source)),
            None => Err(MessagingError::NotTaken("the consumer was cancelled")),
        }
    }
}

/// A message in hand.
pub struct Delivery {
    inner: lapin::message::Delivery,
}

impl Delivery {
    /// What it says.
    ///
    /// # Errors
    /// When it can't be understood: park it.
    pub fn wake_up(&self) -> Result<WakeUp, String> {
        WakeUp::parse(&self.inner.data)
    }

    /// The body as it came.
    pub fn body(&self) -> &[u8] {
        &self.inner.data
    }

    /// It was in a hand before that did not acknowledge it.
    pub fn redelivered(&self) -> bool {
        self.inner.redelivered
    }

    /// Where it was sent from.
    pub fn trace(&self) -> Trace {
        Trace::of(self.inner.properties.headers().as_ref())
    }

    /// The message is dealt with.
    ///
    /// # Errors
    /// When the connection is gone; the message will come again, and be stale.
    pub async fn ack(&self) -> Result<(), MessagingError> {
        self.inner.ack(BasicAckOptions::default()).await?;
        Ok(())
    }

    /// Gives the message back to its queue.
    ///
    /// # Errors
    /// When the connection is gone; the message goes back by that.
    pub async fn give_back(&self) -> Result<(), MessagingError> {
        let requeue = BasicNackOptions {
            requeue: true,
            ..Default::default()
        };
        self.inner.nack(requeue).await?;
        Ok(())
    }
}
