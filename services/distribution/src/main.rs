//! Creates, awaits, disables and deletes CloudFront distributions: one file per step.

mod chores;
mod config;
mod distributions;
mod doctor;
mod find;
mod function;
mod handler;
mod redirect;
mod refusal;
mod settings;
mod short_digest;
mod steps;

use std::process::ExitCode;

use ::doctor::Command;
use store::Store;
use telemetry::Telemetry;
use worker::Steps;

use crate::distributions::Distributions;
use crate::settings::Settings;

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let (settings, shared) = worker::settings::<Settings>("distribution");
    if let Some(Command::Ready) = settings.command {
        return Ok(::doctor::ready(settings.worker.health_listen));
    }
    let sdk = aws::sdk_config().await?;
    let cloudfront = aws::CloudFront::new(&sdk);
    let checks = doctor::checks(&settings, &shared, &sdk, &cloudfront);
    if let Some(Command::Doctor) = settings.command {
        return Ok(::doctor::print(checks).await);
    }
    let telemetry = Telemetry::init(&settings.worker.telemetry, "distribution")?;
    let store = Store::new(&settings.worker.database, "distribution")?;
    let handler = Distributions {
        store: store.clone(),
        cloudfront,
        responder: settings.responder.acme_responder_url,
        price_class: settings.price_class.as_str().into(),
        viewer: settings.viewer.settings(),
        create_settle: settings.create_settle.into(),
        reconcile_interval: settings.reconcile.interval(),
        orphan_grace: settings.reconcile.orphan_grace.into(),
    };
    let steps = Steps::new(handler, &settings.worker, settings.schedules);
    worker::run(steps, store, settings.worker, shared, &telemetry, checks).await?;
    Ok(ExitCode::SUCCESS)
}
