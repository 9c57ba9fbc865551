//! A handler that panics again and again, or never returns: the worker lives on, an operator is told, and the step goes on.

use anyhow::Context as _;
use lapin::options::{BasicAckOptions, BasicGetOptions};
use lapin::types::AMQPValue;
use lapin::{Connection, ConnectionProperties};

use crate::site::{Instance, PATIENCE, Site};

const POINT: &str = "create-distribution@call-1";

pub(crate) async fn a_handler_that_panics_or_hangs(site: &Site) -> anyhow::Result<()> {
    let id = uuid::Uuid::new_v4().to_string();
    site.points.arm(POINT, &format!("panic {id}"))?;
    let instance = site
        .provision_as(&id, &format!("org-{id}"), &format!("p-{}.example.com", &id[..8]))
        .await?;
    site.set_record(&instance).await?;
    for order in ["panic", "panic"] {
        hit(site).await?;
        site.points.arm(POINT, &format!("{order} {id}"))?;
    }
    hit(site).await?;
    let note = parked(site, &id).await?;
    anyhow::ensure!(
        note.contains("panicked, 3 times in a row: create-distribution"),
        "{note}"
    );
    goes_on(site, &instance).await?;

    // A thread that never returns takes neither the delivery nor the process with it.
    let id = uuid::Uuid::new_v4().to_string();
    site.points.arm(POINT, &format!("hang {id}"))?;
    let instance = site
        .provision_as(&id, &format!("org-{id}"), &format!("h-{}.example.com", &id[..8]))
        .await?;
    site.set_record(&instance).await?;
    hit(site).await?;
    goes_on(site, &instance).await?;
    anyhow::ensure!(site.revive().await? == 0, "no process ended");
    Ok(())
}

async fn hit(site: &Site) -> anyhow::Result<()> {
    site.until("the handler came by", async || Ok(site.points.hit(POINT).is_some()))
        .await
}

async fn goes_on(site: &Site, instance: &Instance) -> anyhow::Result<()> {
    site.platform.succeeded(&instance.id, PATIENCE).await?;
    anyhow::ensure!(site.distributions(instance).await? == 1, "one distribution");
    site.delete(instance).await
}

/// The reason of the parked note about the instance.
async fn parked(site: &Site, instance: &str) -> anyhow::Result<String> {
    let url = &site.handle.endpoints().amqp_url;
    let connection = Connection::connect(url, ConnectionProperties::default()).await?;
    let channel = connection.create_channel().await?;
    let mut found = None;
    site.until("a note is parked", async || {
        let get = channel.basic_get("cdn-broker.parking".into(), BasicGetOptions::default());
        let Some(message) = get.await? else { return Ok(false) };
        let headers = message.properties.headers().clone().unwrap_or_default();
        if let Some(AMQPValue::LongString(reason)) = headers.inner().get("reason")
            && reason.to_string().contains(instance)
        {
            found = Some(reason.to_string());
        }
        message.ack(BasicAckOptions::default()).await?;
        Ok(found.is_some())
    })
    .await?;
    connection.close(200, "done".into()).await?;
    found.context("no note")
}
