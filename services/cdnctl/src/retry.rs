//! `cdnctl retry`: runs waiting steps now.

use pipeline::Schedules;
use serde::Serialize;
use store::operator::{RenewNow, RetriedStep};
use store::{Actor, DatabaseArgs};

use crate::CommandError;
use crate::exit::Exit;
use crate::{database, out, shown};

/// Retries the waiting steps of an instance's running operation now, whenever they would have been due.
///
/// For use once the cause is fixed: the next probe may be minutes away, and the pause after a rejection by the CA hours. The services'
/// sweepers start the steps within SWEEP_INTERVAL (15 s); RabbitMQ is not needed. A renewal that waits after a failed one is started.
/// Domains that the CA rejected stay on hold, unless --held is given: the CA counts failures. Exit code 1 when nothing is retried.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Retry")]
pub struct Args {
    /// The instance's id.
    pub id: String,
    /// Domains on hold after the CA rejected them, too.
    #[arg(long)]
    pub held: bool,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
    /// The services' database.
    #[command(flatten)]
    pub database: DatabaseArgs,
    /// Of a renewal that is begun: the services' own.
    #[command(flatten)]
    pub schedules: Schedules,
}

#[derive(Serialize)]
struct Report {
    steps: Vec<RetriedStep>,
    renewal_begun: bool,
}

/// Requests the retry.
///
/// # Errors
/// When the id is unknown or the database can't be queried.
pub async fn run(args: &Args, actor: Actor) -> Result<Exit, CommandError> {
    let store = database::open(&args.database).await?;
    let dossier = store.dossier(&args.id).await?;
    dossier.ok_or_else(|| CommandError::unknown(&args.id))?;
    let acting = store.acting(actor);
    let steps = acting.retry_now(&args.id, args.held).await?;
    let rests = steps.is_empty() && store.renewal_rests(&args.id).await?;
    let renewal_begun = rests && acting.renew_now(&args.id, &args.schedules).await? == RenewNow::Begun;
    let report = Report { steps, renewal_begun };
    out::either(args.json, &report, || lines(&report))?;
    let any = renewal_begun || report.steps.iter().any(|step| step.held_until.is_none());
    Ok(if any { Exit::AllWell } else { Exit::NotWell })
}

fn lines(report: &Report) -> Vec<String> {
    if report.renewal_begun {
        return vec!["a renewal was held after one that failed: started now".to_owned()];
    }
    if report.steps.is_empty() {
        return vec!["nothing waits: no operation runs, and no renewal is held".to_owned()];
    }
    report.steps.iter().map(told).collect()
}

fn told(step: &RetriedStep) -> String {
    let what = format!("{} {}", step.kind, shown::clean(&step.subject));
    let what = what.trim_end();
    match step.held_until {
        None => format!("tried now   {what}"),
        Some(until) => format!(
            "left alone  {what}: the CA rejected it, it is held until {} (--held)",
            shown::moment(until)
        ),
    }
}
