//! RabbitMQ from the operator's side: deletes everything, counts parked messages.

use std::time::Duration;

use anyhow::Context as _;
use lapin::options::{ExchangeDeleteOptions, QueueDeclareOptions, QueueDeleteOptions};
use lapin::types::FieldTable;
use lapin::{Channel, Connection, ConnectionProperties};
use stack::{DELAY_QUEUES_MS, WORKERS};
use tokio::time::{Instant, sleep, timeout};

const PARKING: &str = "cdn-broker.parking";
const EXCHANGES: [&str; 3] = ["cdn-broker.work", "cdn-broker.delay", PARKING];
const PATIENCE: Duration = Duration::from_secs(20);

/// Deletes every queue and exchange of the broker; returns how many messages were parked.
pub async fn wipe(url: &str) -> anyhow::Result<u32> {
    let parked = parked(url).await?;
    let connection = connect(url).await?;
    let channel = connection.create_channel().await?;
    let mut queues: Vec<String> = WORKERS.iter().map(|name| format!("cdn-broker.{name}")).collect();
    queues.push(PARKING.to_owned());
    queues.extend(DELAY_QUEUES_MS.split(',').map(|ms| format!("cdn-broker.delay.{ms}")));
    for queue in queues {
        let options = QueueDeleteOptions::default();
        channel.queue_delete(queue.as_str().into(), options).await?;
    }
    for exchange in EXCHANGES {
        let options = ExchangeDeleteOptions::default();
        channel.exchange_delete(exchange.into(), options).await?;
    }
    connection.close(200, "done".into()).await?;
    Ok(parked)
}

/// Messages in the parking queue; `None` when the queue doesn't exist.
pub async fn parked(url: &str) -> anyhow::Result<u32> {
    let connection = connect(url).await?;
    let channel: Channel = connection.create_channel().await?;
    let options = QueueDeclareOptions {
        passive: true,
        ..Default::default()
    };
    let found = channel
        .queue_declare(PARKING.into(), options, FieldTable::default())
        .await;
    connection.close(200, "done".into()).await?;
    Ok(found.map_or(0, |queue| queue.message_count()))
}

/// Waits until it accepts connections.
pub async fn ready(url: &str) -> anyhow::Result<()> {
    let deadline = Instant::now() + 3 * PATIENCE;
    loop {
        match connect(url).await {
            Ok(connection) => {
                connection.close(200, "done".into()).await.ok();
                return Ok(());
            }
            Err(error) if Instant::now() > deadline => return Err(error.context("RabbitMQ doesn't come back")),
            Err(_) => sleep(Duration::from_millis(200)).await,
        }
    }
}

async fn connect(url: &str) -> anyhow::Result<Connection> {
    let connecting = Connection::connect(url, ConnectionProperties::default());
    Ok(timeout(PATIENCE, connecting)
        .await
        .context("RabbitMQ doesn't answer")??)
}
