//! `cdnctl renew`: certificates are renewed before their time.

use pipeline::Schedules;
use serde::Serialize;
use store::operator::RenewNow;
use store::{DatabaseArgs, Store};

use crate::CouldNot;
use crate::exit::Exit;
use crate::sure::sure;
use crate::{database, out, shown};

/// Renews certificates before their time.
///
/// Each instance that is named gets its renewal at once. With --all every certificate in use becomes due, and the planner in
/// certificate-issuer begins them at its next turns (RENEWAL_INTERVAL), as many of a tenant at once as always
/// (RENEWALS_PER_TENANT). What serves goes on serving until the new certificate is attached. Mind the CA's limits: Let's Encrypt
/// issues five certificates a week for the same set of names. Exit code 1 when one could not be begun.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Renew")]
pub struct Args {
    /// Which.
    #[command(flatten)]
    pub which: Which,
    /// Don't ask.
    #[arg(long)]
    pub yes: bool,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
    /// The services' database.
    #[command(flatten)]
    pub database: DatabaseArgs,
    /// The services' own.
    #[command(flatten)]
    pub schedules: Schedules,
}

/// Which instances.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
pub struct Which {
    /// The instances' ids.
    pub ids: Vec<String>,
    /// All that can be renewed.
    #[arg(long)]
    pub all: bool,
}

#[derive(Serialize)]
struct Line<'i> {
    instance: &'i str,
    begun: bool,
    told: String,
}

/// Does it.
///
/// # Errors
/// When the database can't be asked, or nobody says yes.
pub async fn run(args: &Args) -> Result<Exit, CouldNot> {
    let store = database::open(&args.database).await?;
    if args.which.all {
        return all(args, &store).await;
    }
    let mut lines = Vec::new();
    for id in &args.which.ids {
        let what = store.renew_now(id, &args.schedules).await?;
        lines.push(Line {
            instance: id,
            begun: what == RenewNow::Begun,
            told: told(&what),
        });
    }
    out::either(args.json, &lines, || {
        let line = |line: &Line<'_>| format!("{}  {}", shown::plain(line.instance), line.told);
        lines.iter().map(line).collect::<Vec<_>>()
    })?;
    let well = lines.iter().all(|line| line.begun);
    Ok(if well { Exit::AllWell } else { Exit::NotWell })
}

async fn all(args: &Args, store: &Store) -> Result<Exit, CouldNot> {
    let (count, tenants) = store.renewable().await?;
    sure(&format!("Renews {count} certificates of {tenants} tenants"), args.yes)?;
    let made_due = store.renew_all_soon().await?;
    let report = serde_json::json!({"in_use": count, "tenants": tenants, "made_due": made_due});
    out::either(args.json, &report, || {
        vec![format!(
            "{made_due} of {count} certificates are due from now on, the others were or are at work: cdnctl certificates"
        )]
    })?;
    Ok(Exit::AllWell)
}

fn told(what: &RenewNow) -> String {
    match what {
        RenewNow::Begun => "a renewal is begun: cdnctl show ID --operation last".to_owned(),
        RenewNow::Unknown => "there is no such instance in this database".to_owned(),
        RenewNow::Removed => "it was removed, or its removal was begun: it is renewed no more".to_owned(),
        RenewNow::NoCertificate => "it has no certificate that could be renewed".to_owned(),
        RenewNow::AtWork(kind) => format!(
            "{} is at work on it: cdnctl show ID --operation last",
            shown::plain(kind)
        ),
    }
}
