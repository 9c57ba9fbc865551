//! `cdnctl renew`: renews certificates early.

use pipeline::Schedules;
use pipeline::revocation::RevocationReason;
use serde::Serialize;
use store::operator::RenewNow;
use store::{Actor, DatabaseArgs, Store};

use crate::CommandError;
use crate::confirm::confirm;
use crate::exit::Exit;
use crate::{database, out, shown};

/// Renews certificates before their time.
///
/// The renewal of each named instance starts at once. With --all every certificate in use becomes due, and the planner in
/// certificate-issuer starts the renewals in its next runs (RENEWAL_INTERVAL), at most RENEWALS_PER_TENANT of a tenant at once. The old
/// certificate is used until the new one is attached. Mind the CA's limits: Let's Encrypt issues five certificates a week for the same set
/// of names. Exit code 1 when a renewal could not be started.
///
/// Each order has a key of its own. When keys may have leaked, --new-key --revoke: no key that was made until now makes another
/// certificate (unfinished renewal orders are discarded), whatever is at work now is renewed once more, and
/// the CA revokes every earlier certificate as soon as the new one is deployed everywhere and it is out of IAM.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Renew")]
pub struct Args {
    /// Which.
    #[command(flatten)]
    pub which: Which,
    /// Use none of the existing keys for new certificates.
    #[arg(long)]
    pub new_key: bool,
    /// Have the CA revoke the replaced certificate, and every earlier one that has not expired.
    #[arg(long, requires = "new_key")]
    pub revoke: bool,
    /// The reason that is sent to the CA.
    #[arg(long, value_enum, default_value = "key-compromise", requires = "revoke")]
    pub reason: RevocationReason,
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
    /// Every instance that can be renewed.
    #[arg(long)]
    pub all: bool,
}

#[derive(Serialize)]
struct Line<'i> {
    instance: &'i str,
    begun: bool,
    told: String,
}

/// Requests the renewals.
///
/// # Errors
/// When the database can't be queried, or the confirmation is missing.
pub async fn run(args: &Args, actor: Actor) -> Result<Exit, CommandError> {
    let store = database::open(&args.database).await?;
    if args.which.all {
        return all(args, &store, actor).await;
    }
    if args.revoke {
        confirm(&revokes(&format!("{} instances", args.which.ids.len())), args.yes)?;
    }
    let acting = store.acting(actor);
    let mut lines = Vec::new();
    for id in &args.which.ids {
        if args.new_key {
            acting.distrust_keys(Some(id), args.revocation()).await?;
        }
        let what = acting.renew_now(id, &args.schedules).await?;
        lines.push(Line {
            instance: id,
            begun: what == RenewNow::Begun,
            told: told(&what, args),
        });
    }
    out::either(args.json, &lines, || {
        let line = |line: &Line<'_>| format!("{}  {}", shown::plain(line.instance), line.told);
        lines.iter().map(line).collect::<Vec<_>>()
    })?;
    let well = lines.iter().all(|line| line.begun);
    Ok(if well { Exit::AllWell } else { Exit::NotWell })
}

async fn all(args: &Args, store: &Store, actor: Actor) -> Result<Exit, CommandError> {
    let (count, tenants) = store.renewable().await?;
    let mut what = format!("Renews {count} certificates of {tenants} tenants");
    if args.revoke {
        what = format!("{what}. {}", revokes("all instances, those that were removed as well"));
    }
    confirm(&what, args.yes)?;
    let acting = store.acting(actor);
    let made_due = acting.renew_all_soon().await?;
    if args.new_key {
        acting.distrust_keys(None, args.revocation()).await?;
    }
    let report = serde_json::json!({"in_use": count, "tenants": tenants, "made_due": made_due});
    out::either(args.json, &report, || {
        vec![format!(
            "{made_due} of {count} certificates are due from now on, the others were due or are being renewed: cdnctl \
             certificates"
        )]
    })?;
    Ok(Exit::AllWell)
}

impl Args {
    fn revocation(&self) -> Option<RevocationReason> {
        self.revoke.then_some(self.reason)
    }
}

fn revokes(whose: &str) -> String {
    format!("Has every certificate of {whose} revoked, once it is replaced")
}

fn told(what: &RenewNow, args: &Args) -> String {
    match what {
        RenewNow::Removed if args.revoke => {
            "it was removed, or its removal has begun: its certificates are revoked once \
             they are out of IAM, cdnctl show ID"
                .to_owned()
        }
        RenewNow::AtWork(kind) if args.new_key => format!(
            "{} is in progress; if that uses an earlier key, the planner renews after it: cdnctl show ID",
            shown::plain(kind)
        ),
        RenewNow::Begun => "a renewal has started: cdnctl show ID --operation last".to_owned(),
        RenewNow::Unknown => "there is no such instance in this database".to_owned(),
        RenewNow::Removed => "it was removed, or its removal has begun: it is no longer renewed".to_owned(),
        RenewNow::NoCertificate => "it has no certificate that could be renewed".to_owned(),
        RenewNow::AtWork(kind) => format!("{} is in progress: cdnctl show ID --operation last", shown::plain(kind)),
    }
}
