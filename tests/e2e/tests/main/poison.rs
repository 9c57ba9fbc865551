//! Messages that nobody can understand are parked with their reason, and the worker lives on.

use std::time::{Duration, Instant};

use lapin::options::{BasicGetOptions, BasicPublishOptions};
use lapin::types::AMQPValue;
use lapin::{BasicProperties, Connection, ConnectionProperties};

use crate::world::{PATIENCE, domain, organization, world};

#[tokio::test]
async fn garbage_is_parked_with_its_reason_and_the_worker_lives_on() -> anyhow::Result<()> {
    let world = world().await;
    let e = world.handle.endpoints();
    let connection = Connection::connect(&e.amqp_url, ConnectionProperties::default()).await?;
    let channel = connection.create_channel().await?;
    let mark = format!("garbage {}", uuid::Uuid::new_v4());
    let future = format!("{{\"v\":99,\"step\":\"{}\",\"attempt\":0}}", uuid::Uuid::new_v4());
    for body in [mark.as_bytes(), future.as_bytes()] {
        channel
            .basic_publish(
                "cdn-broker.work".into(),
                "challenge-verifier".into(),
                BasicPublishOptions::default(),
                body,
                BasicProperties::default(),
            )
            .await?
            .await?;
    }
    let deadline = Instant::now() + PATIENCE;
    let mut parked = Vec::new();
    while parked.len() < 2 {
        anyhow::ensure!(Instant::now() < deadline, "parked so far: {parked:?}");
        match channel
            .basic_get("cdn-broker.parking".into(), BasicGetOptions::default())
            .await?
        {
            Some(message) => {
                let headers = message.properties.headers().clone().unwrap_or_default();
                let reason = headers.inner().get("reason").and_then(|reason| match reason {
                    AMQPValue::LongString(text) => Some(text.to_string()),
                    _ => None,
                });
                parked.push((
                    String::from_utf8_lossy(&message.data).into_owned(),
                    reason.unwrap_or_default(),
                ));
                message.ack(Default::default()).await?;
            }
            None => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
    let reason = |body: &str| parked.iter().find(|(b, _)| b == body).map(|(_, reason)| reason.clone());
    assert!(reason(&mark).is_some_and(|r| r.contains("not a wake-up")), "{parked:?}");
    assert!(reason(&future).is_some_and(|r| r.contains("version 99")), "{parked:?}");
    connection.close(200, "done".into()).await?;
    let instance = world.created(&organization(), &[domain("after-poison")]).await?;
    world.serves(&instance).await
}
