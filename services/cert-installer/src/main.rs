//! Uploads certificates to their store, attaches them to distributions, retires old ones: one file per step.

mod chores;
mod doctor;
mod handler;
mod pem;
mod settings;
mod steps;

use std::process::ExitCode;

use ::doctor::Command;
use certificate_store::Stores;
use store::Store;
use telemetry::Telemetry;
use worker::Steps;

use crate::handler::Installer;
use crate::settings::Settings;

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let (settings, shared) = worker::settings::<Settings>("cert-installer");
    if let Some(Command::Ready) = settings.command {
        return Ok(::doctor::ready(settings.worker.health_listen));
    }
    let sdk = aws::sdk_config().await?;
    let cloudfront = aws::CloudFront::new(&sdk);
    let certificates = Stores::new(settings.certificates.clone(), &sdk);
    let checks = doctor::checks(&settings, &shared, &sdk, &cloudfront, &certificates);
    if let Some(Command::Doctor) = settings.command {
        return Ok(::doctor::print(checks).await);
    }
    let telemetry = Telemetry::init(&settings.worker.telemetry, "cert-installer")?;
    let key_ring = settings.sealing.key_ring()?;
    let store = Store::new(&settings.worker.database, "cert-installer")?;
    let handler = Installer {
        store: store.clone(),
        cloudfront,
        certificates,
        key_ring,
        viewer: settings.viewer.settings(),
        reconcile_interval: settings.reconcile.interval(),
        orphan_grace: settings.reconcile.orphan_grace.into(),
    };
    let steps = Steps::new(handler, &settings.worker, settings.schedules);
    worker::run(steps, store, settings.worker, shared, &telemetry, checks).await?;
    Ok(ExitCode::SUCCESS)
}
