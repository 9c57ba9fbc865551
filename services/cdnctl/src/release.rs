//! `cdnctl release`: takes a domain away from the instance that has it.

use store::{Actor, DatabaseArgs};

use crate::CommandError;
use crate::confirm::confirm;
use crate::exit::Exit;
use crate::{database, out, shown};

/// Takes a domain from the service instance that has it, so that the next one that proves it gets it at once.
///
/// Its distribution serves the domain until then; its next renewal leaves the domain out. A running update or creation of it that wants
/// the domain fails. It gets the domain back by an update, if it proves it first. Exit code 1 when no instance has it.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Release")]
pub struct Args {
    /// The domain, as `cdnctl domains` shows it.
    pub domain: String,
    /// Don't ask.
    #[arg(long)]
    pub yes: bool,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
    /// The services' database.
    #[command(flatten)]
    pub database: DatabaseArgs,
}

/// Releases it.
///
/// # Errors
/// When the confirmation is missing, or the database can't be queried.
pub async fn run(args: &Args, actor: Actor) -> Result<Exit, CommandError> {
    let store = database::open(&args.database).await?;
    let found = store.domain_lines(Some(&args.domain)).await?;
    let Some(holder) = found.iter().find(|line| line.state == "has") else {
        return nobody(args);
    };
    let (domain, instance) = (shown::clean(&args.domain), shown::clean(&holder.instance));
    confirm(
        &format!(
            "Takes {domain} from instance {instance} of {}",
            shown::clean(&holder.tenant)
        ),
        args.yes,
    )?;
    // Only from the instance that was confirmed.
    if !store.acting(actor).release(&holder.instance, &args.domain).await? {
        return nobody(args);
    }
    let report = serde_json::json!({"released": args.domain, "instance": holder.instance});
    out::either(args.json, &report, || {
        vec![format!(
            "{domain} no longer belongs to {instance}: the next service instance that proves it gets it"
        )]
    })?;
    Ok(Exit::AllWell)
}

fn nobody(args: &Args) -> Result<Exit, CommandError> {
    let report = serde_json::json!({"released": null});
    out::either(args.json, &report, || vec!["no instance has it: nothing to release"])?;
    Ok(Exit::NotWell)
}
