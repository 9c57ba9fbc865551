//! Sends mails about service instances: collects notices, renders letters, hands them to a mail server.

mod doctor;
mod figures;
mod letters;
mod mail;
mod settings;
mod smtp;

use std::process::ExitCode;

use ::doctor::Command;
use anyhow::Context as _;
use store::{NoticeRing, Store};
use telemetry::Telemetry;
use tokio_util::task::AbortOnDropHandle;

use crate::letters::Letters;
use crate::mail::Writer;
use crate::settings::Settings;
use crate::smtp::Smtp;

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let (settings, shared) = worker::settings::<Settings>("notifier");
    if let Some(Command::Ready) = settings.command {
        return Ok(::doctor::ready(settings.worker.health_listen));
    }
    let smtp = Smtp::new(&settings.smtp)?;
    let keys = settings
        .keys
        .keys()?
        .context("neither NOTICE_KEYS nor NOTICE_KEYS_FILE is set: they open the addresses of recipients")?;
    let pages_url = settings
        .pages_url
        .0
        .clone()
        .context("PAGES_URL is not set: the links in mails lead there")?;
    let checks = doctor::checks(&settings, &shared, &smtp);
    if let Some(Command::Doctor) = settings.command {
        return Ok(::doctor::print(checks).await);
    }
    let telemetry = Telemetry::init(&settings.worker.telemetry, "notifier")?;
    let store = Store::new(&settings.worker.database, "notifier")?;
    let letters = Letters::new(
        smtp,
        Writer::new(settings.smtp.smtp_from.clone(), pages_url),
        NoticeRing::new(keys)?,
        settings.smtp.mail_retry,
        settings.pace,
        settings.worker.sweep_interval.into(),
        store.clone(),
    );
    let figures = figures::measure(store.clone(), settings.worker.sweep_interval.into());
    let _figures = AbortOnDropHandle::new(tokio::spawn(figures));
    worker::run(letters, store, settings.worker, shared, &telemetry, checks).await?;
    Ok(ExitCode::SUCCESS)
}
