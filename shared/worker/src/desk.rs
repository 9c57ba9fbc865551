//! What all deliveries of a process share, and how each of them ends.

use std::sync::Arc;
use std::time::Duration;

use messaging::{Delivery, Message, Messaging};
use pipeline::WakeUp;
use store::{Store, StoreError};
use telemetry::with_causes;
use tokio_util::sync::CancellationToken;

use crate::peers::Peers;
use crate::work::Work;

/// The delay before a failed delivery is requeued.
const IN_TROUBLE: Duration = Duration::from_secs(2);

/// What all deliveries share.
pub struct Desk<W> {
    /// The service's own.
    pub work: W,
    /// PostgreSQL.
    pub store: Store,
    /// RabbitMQ.
    pub messaging: Arc<Messaging>,
    /// Cancelled when the grace period of the shutdown is over: what still runs gives its message back.
    pub abandoned: CancellationToken,
    pub(crate) peers: Arc<Peers>,
}

impl<W: Work> Desk<W> {
    /// The message of a delivery. `None`: it can't be understood, and is parked.
    pub async fn message(&self, delivery: &Delivery) -> Option<Message> {
        match delivery.message() {
            Ok(message) => Some(message),
            Err(reason) => {
                tracing::error!(reason, "a message that can't be understood is parked");
                self.park(delivery, &reason).await;
                None
            }
        }
    }

    /// Acknowledges the message if it was handled; otherwise it comes again, or is parked.
    pub async fn conclude(&self, delivery: &Delivery, message: Message, handled: Result<(), StoreError>) {
        match handled {
            // If the acknowledgement is lost, the message is redelivered as a stale one.
            Ok(()) => drop(delivery.ack().await),
            Err(error) => self.delivery_failed(delivery, message, &error).await,
        }
    }

    /// Takes no more messages for now, if the error is an outage.
    pub fn judge(&self, error: &StoreError) {
        self.peers.judge(error);
    }

    /// Parks a message with its reason; if even that fails, the message is requeued.
    async fn park(&self, delivery: &Delivery, reason: &str) {
        if self.messaging.park(W::SERVICE, delivery.body(), reason).await.is_ok() {
            drop(delivery.ack().await);
        } else {
            tokio::time::sleep(IN_TROUBLE).await;
            drop(delivery.give_back().await);
        }
    }

    /// The store could not be read or written. The wake-up is published again rather than requeued: RabbitMQ counts
    /// requeues, and a database outage must not turn good messages into poison.
    async fn delivery_failed(&self, delivery: &Delivery, message: Message, error: &StoreError) {
        tracing::warn!(error = with_causes(error), "the delivery failed and is tried again");
        self.judge(error);
        match error {
            error if error.is_transient() => {
                let again = WakeUp {
                    service: W::SERVICE,
                    step: message.step,
                    attempt: message.attempt,
                    delay: IN_TROUBLE,
                };
                match self.messaging.publish(&[again], &delivery.trace()).await {
                    Ok(()) => drop(delivery.ack().await),
                    Err(_) => drop(delivery.give_back().await),
                }
            }
            // The grace period of the shutdown is over.
            StoreError::Stale => drop(delivery.give_back().await),
            error => self.park(delivery, &with_causes(error)).await,
        }
    }
}
