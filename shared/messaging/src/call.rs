//! Calls to RabbitMQ with a time limit; for a message, until it is confirmed.

use std::time::Duration;

use lapin::options::BasicPublishOptions;
use lapin::types::FieldTable;
use lapin::{BasicProperties, Channel, Confirmation};

use crate::error::MessagingError;

/// The time limit of every call to RabbitMQ.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);
/// Persistent delivery (AMQP 0-9-1 `delivery-mode`).
const PERSISTENT: u8 = 2;

/// Publishes one message and waits for its confirmation.
pub(crate) async fn send(
    channel: &Channel,
    exchange: &str,
    routing_key: &str,
    body: &[u8],
    headers: FieldTable,
) -> Result<(), MessagingError> {
    // Mandatory: a message that reaches no queue is returned and counts as refused.
    let options = BasicPublishOptions {
        mandatory: true,
        ..Default::default()
    };
    let properties = BasicProperties::default()
        .with_delivery_mode(PERSISTENT)
        .with_content_type("application/json".into())
        .with_headers(headers);
    let confirmation = channel
        .basic_publish(exchange.into(), routing_key.into(), options, body, properties)
        .await?
        .await?;
    match confirmation {
        Confirmation::Ack(None) => Ok(()),
        Confirmation::Ack(Some(_)) => Err(MessagingError::NotTaken("no queue is bound for it")),
        Confirmation::Nack(_) => Err(MessagingError::Nacked),
        Confirmation::NotRequested => Err(MessagingError::NotTaken("the channel does not confirm")),
    }
}

pub(crate) async fn within<T, E: Into<MessagingError>>(
    doing: &'static str,
    queue: impl Into<String>,
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, MessagingError> {
    match tokio::time::timeout(PATIENCE, work).await {
        Ok(result) => result.map_err(Into::into),
        Err(_elapsed) => Err(MessagingError::TimedOut {
            doing,
            queue: queue.into(),
            after: PATIENCE,
        }),
    }
}
