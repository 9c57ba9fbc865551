//! Uploads certificates to IAM, attaches them to distributions, retires old ones: one file per step.

mod attach_certificate;
mod handler;
mod pem;
mod reconcile;
mod retire_certificates;
mod settings;
mod upload_certificate;

use clap::Parser as _;
use store::Store;
use telemetry::Telemetry;

use crate::handler::Installer;
use crate::settings::Settings;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let settings = Settings::parse();
    let telemetry = Telemetry::init(&settings.worker.telemetry, "cert-installer")?;
    let key_ring = settings.sealing.key_ring()?;
    let store = Store::new(&settings.worker.database, "cert-installer")?;
    let sdk = aws::sdk_config().await;
    let handler = Installer {
        store: store.clone(),
        cloudfront: aws::CloudFront::new(&sdk),
        iam: aws::iam(&sdk),
        key_ring,
        iam_path: settings.iam_path,
        minimum_tls_version: settings.viewer.minimum_tls_version(),
        reconcile_interval: settings.reconcile.reconcile_interval.into(),
        orphan_grace: settings.reconcile.orphan_grace.into(),
    };
    worker::run(handler, store, settings.worker, &telemetry).await?;
    Ok(())
}
