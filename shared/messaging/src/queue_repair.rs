//! Repairs queues that RabbitMQ has lost internally: such a queue (its node was killed in the second in which the queue
//! was created, 3.10) neither confirms nor answers, forever. Its messages are worthless, so it is deleted and
//! recreated.

use std::time::{Duration, Instant};

use futures_util::future::try_join_all;
use lapin::options::{ConfirmSelectOptions, QueueDeleteOptions};
use lapin::protocol::{AMQPErrorKind, AMQPHardError};
use lapin::{Connection, ConnectionProperties};
use uuid::Uuid;

use crate::args::AmqpArgs;
use crate::call::{send, within};
use crate::error::{MessagingError, refusal};
use crate::message::Message;
use crate::tls;
use crate::topology::{Queue, queues};
use crate::turn::Turn;

/// This many failures within [`A_WHILE`] make the queues suspect. Successes in between prove nothing: other queues
/// work.
const SUSPICIOUS: usize = 3;
const A_WHILE: Duration = Duration::from_secs(120);
/// The pause between two checks of all queues.
const PAUSE: Duration = Duration::from_secs(30);

/// Failures that a broken queue would explain.
#[derive(Default)]
pub(crate) struct Suspicion {
    failures: Vec<Instant>,
    looked_at: Option<Instant>,
}

impl Suspicion {
    /// Takes note of a result. Returns whether it is time to check the queues.
    pub(crate) fn rises<T>(&mut self, result: &Result<T, MessagingError>) -> bool {
        let explained = match result {
            Err(MessagingError::TimedOut { .. } | MessagingError::Nacked) => true,
            Err(MessagingError::Connection(error)) => is_internal(error),
            Ok(_) | Err(_) => false,
        };
        if !explained {
            return false;
        }
        self.failures.retain(|at| at.elapsed() < A_WHILE);
        self.failures.push(Instant::now());
        let due = self.failures.len() >= SUSPICIOUS && self.looked_at.is_none_or(|at| at.elapsed() >= PAUSE);
        if due {
            self.looked_at = Some(Instant::now());
            self.failures.clear();
        }
        due
    }
}

/// AMQP 0-9-1, reply code 541: "The server could not complete the method because of an internal error."
fn is_internal(error: &lapin::Error) -> bool {
    refusal(error) == Some(&AMQPErrorKind::Hard(AMQPHardError::INTERNALERROR))
}

/// Checks every queue, and recreates those that don't answer while RabbitMQ itself does. One process does it at a time.
pub(crate) async fn repair(args: &AmqpArgs) {
    let turn = async {
        let connection = connect(args).await?;
        let turn = within("taking the turn", "to repair", Turn::take(&connection)).await?;
        Ok::<_, MessagingError>(turn.map(|turn| (connection, turn)))
    };
    match turn.await {
        Ok(Some((connection, turn))) => {
            repair_all(args).await;
            let _ = within("ending the turn", "to repair", turn.end()).await;
            close(&connection, "to repair").await;
        }
        Ok(None) => tracing::debug!("another process declares or repairs the queues"),
        Err(error) => tracing::warn!(error = ?error, "the queues can't be checked"),
    }
}

async fn repair_all(args: &AmqpArgs) {
    let queues = queues(args);
    // Side by side: each that is broken costs the whole time limit.
    let answering = match try_join_all(queues.iter().map(|queue| answers(args, queue))).await {
        Ok(answering) => answering,
        Err(error) => {
            tracing::warn!(error = ?error, "RabbitMQ accepts no messages, and no queue is to blame");
            return;
        }
    };
    for (queue, _) in queues.iter().zip(answering).filter(|(_, answers)| !answers) {
        match recreate(args, queue).await {
            Ok(()) => {
                metrics::counter!("queues_mended_total").increment(1);
                tracing::error!(
                    queue = queue.name,
                    "RabbitMQ lost this queue's contents: deleted and declared again; its wake-ups are published again"
                );
            }
            Err(error) => tracing::error!(
                queue = queue.name,
                error = ?error,
                "RabbitMQ lost this queue's contents, and it can't be deleted: delete it in RabbitMQ"
            ),
        }
    }
}

/// Whether the queue accepts a message: a broken one can be declared, counted and even consumed without error. The
/// message is a wake-up for a step that can't exist, sent along the path of every wake-up; the service that receives it
/// finds it stale. Each check has its own connection, since an internal error closes it.
async fn answers(args: &AmqpArgs, queue: &Queue) -> Result<bool, MessagingError> {
    let Some((exchange, routing_key, headers)) = queue.address() else {
        return Ok(true);
    };
    let connection = connect(args).await?;
    let looked = within("trying", &queue.name, async {
        let channel = connection.create_channel().await?;
        channel.confirm_select(ConfirmSelectOptions::default()).await?;
        let body = Message::new(Uuid::nil(), 0).body();
        send(&channel, exchange, routing_key, &body, headers).await
    })
    .await;
    let blocked = connection.status().blocked();
    close(&connection, &queue.name).await;
    if blocked {
        return Err(MessagingError::NotTaken("an alarm is on (memory, disk)"));
    }
    Ok(match looked {
        Err(MessagingError::TimedOut { .. } | MessagingError::Nacked) => false,
        Err(MessagingError::Connection(error)) => !is_internal(&error),
        Ok(()) | Err(_) => true,
    })
}

/// A RabbitMQ that no longer accepts anything doesn't accept this either.
async fn close(connection: &Connection, queue: &str) {
    let _ = within("closing", queue, connection.close(200, "done".into())).await;
}

async fn recreate(args: &AmqpArgs, queue: &Queue) -> Result<(), MessagingError> {
    let connection = connect(args).await?;
    let made = within("declaring again", &queue.name, async {
        let channel = connection.create_channel().await?;
        channel
            .queue_delete(queue.name.as_str().into(), QueueDeleteOptions::default())
            .await?;
        queue.declare(&channel).await
    })
    .await;
    close(&connection, &queue.name).await;
    made
}

async fn connect(args: &AmqpArgs) -> Result<Connection, MessagingError> {
    within(
        "connecting",
        "to repair",
        tls::connect(args, ConnectionProperties::default()),
    )
    .await
}
