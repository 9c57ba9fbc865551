//! One process at a time declares and deletes queues. A queue that is declared while another process deletes it can
//! leave RabbitMQ (seen with 3.10.8) with a Raft member that belongs to no queue: from then on every declaration of
//! that name is refused with `cluster_not_formed`, no client can delete it, and only a restart of RabbitMQ helps.

use std::time::Duration;

use lapin::options::{QueueDeclareOptions, QueueDeleteOptions};
use lapin::protocol::{AMQPErrorKind, AMQPSoftError};
use lapin::types::FieldTable;
use lapin::{Channel, Connection};
use tokio::time::{Instant, sleep};

use crate::call::within;
use crate::error::{MessagingError, refusal};
use crate::topology::text;

/// An exclusive queue (AMQP 0-9-1, `queue.declare`) belongs to one connection, and is deleted with it.
const TURN: &str = "cdn-broker.declaring";
/// How long a service waits for its turn. To create the queues takes 0.4 s, and 20 s where RabbitMQ gets no more than a
/// tenth of a core; to look at existing ones takes 25 ms; a repair takes up to half a minute.
pub(crate) const LONGEST_WAIT: Duration = Duration::from_secs(40);
/// The pause before the second try; each is half as long again, up to [`LONGEST_PAUSE`].
const PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// This process's turn to declare and delete queues. It ends with the connection at the latest.
pub(crate) struct Turn {
    channel: Channel,
}

impl Turn {
    /// Takes the turn; `None` when another connection has it.
    pub(crate) async fn take(connection: &Connection) -> Result<Option<Self>, MessagingError> {
        let channel = connection.create_channel().await?;
        let exclusive = QueueDeclareOptions {
            exclusive: true,
            auto_delete: true,
            ..Default::default()
        };
        let mut arguments = FieldTable::default();
        // The virtual host's default may be a quorum queue, which can't be exclusive.
        arguments.insert("x-queue-type".into(), text("classic"));
        match channel.queue_declare(TURN.into(), exclusive, arguments).await {
            Ok(_) => Ok(Some(Self { channel })),
            Err(error) if refusal(&error) == Some(&AMQPErrorKind::Soft(AMQPSoftError::RESOURCELOCKED)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Waits for the turn, at most so long.
    pub(crate) async fn wait(connection: &Connection, longest: Duration) -> Result<Self, MessagingError> {
        let deadline = Instant::now() + longest;
        let mut pause = PAUSE;
        loop {
            if let Some(turn) = within("taking the turn", TURN, Self::take(connection)).await? {
                return Ok(turn);
            }
            if Instant::now() >= deadline {
                return Err(MessagingError::NotMyTurn);
            }
            sleep(pause).await;
            pause = (pause * 3 / 2).min(LONGEST_PAUSE);
        }
    }

    /// Ends the turn, so that the next process need not wait for the end of this connection.
    pub(crate) async fn end(self) -> Result<(), MessagingError> {
        within("ending the turn", TURN, async {
            let options = QueueDeleteOptions::default();
            self.channel.queue_delete(TURN.into(), options).await?;
            self.channel.close(200, "done".into()).await
        })
        .await
    }
}
