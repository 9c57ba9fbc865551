//! `cdnctl cancel`: cancels an operation.

use std::time::Duration;

use store::operator::Cancelled;
use store::{Actor, DatabaseArgs};

use crate::CommandError;
use crate::confirm::confirm;
use crate::exit::Exit;
use crate::{database, out, shown};

/// Ends an instance's running operation.
///
/// A provision or update fails, and its user reads why (--why); the platform learns it at its next poll. Part of an update may just have
/// been written to CloudFront: `cdnctl drift` shows it, and the next update corrects it. A renewal is abandoned, which the platform doesn't
/// see; the next one continues with its order or certificate, after --rest. A removal can't be cancelled, since half of it may be done
/// already: fix what it waits for instead. A cancellation can't be undone. Exit code 1 when nothing was running.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Cancel")]
pub struct Args {
    /// The instance's id.
    pub id: String,
    /// Why, for the user: "Cancelled by the operator: …".
    #[arg(long, value_name = "TEXT", value_parser = why)]
    pub why: String,
    /// Of a renewal: when the next one is due.
    #[arg(long, default_value = "1h")]
    pub rest: humantime::Duration,
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

fn why(text: &str) -> Result<String, String> {
    match text.trim() {
        "" => Err("the user has to read a reason".to_owned()),
        text if text.chars().any(char::is_control) => Err("one line, please".to_owned()),
        text => Ok(text.to_owned()),
    }
}

/// The longest pause of a renewal: with a longer one its certificate would expire.
const LONGEST_REST: Duration = Duration::from_secs(7 * 86_400);

/// Cancels it.
///
/// # Errors
/// When the id is unknown, the operation is a removal, the confirmation is missing, or the database can't be queried.
pub async fn run(args: &Args, actor: Actor) -> Result<Exit, CommandError> {
    let store = database::open(&args.database).await?;
    let dossier = store.dossier(&args.id).await?;
    let dossier = dossier.ok_or_else(|| CommandError::unknown(&args.id))?;
    let Some(running) = dossier.operations.iter().find(|operation| operation.state == "running") else {
        return nothing(args);
    };
    if running.kind == "deprovision" {
        return Err(removal(&args.id));
    }
    let (operation, domains) = (running.id, shown::names(&dossier.domains));
    let what = format!("Ends the {} of {} ({domains})", running.kind, shown::clean(&args.id));
    confirm(&what, args.yes)?;
    let rest = Duration::from(args.rest).min(LONGEST_REST);
    // Only the operation that was confirmed: another may run by now.
    let (report, line) = match store.acting(actor).cancel(&args.id, operation, &args.why, rest).await? {
        Cancelled::Unknown => return Err(CommandError::unknown(&args.id)),
        Cancelled::Removal => return Err(removal(&args.id)),
        Cancelled::NothingRuns => return nothing(args),
        Cancelled::Failed { kind, for_user } => (
            serde_json::json!({"cancelled": kind.as_str(), "operation": operation, "for_user": for_user}),
            format!(
                "{} {operation} has failed. Its user reads: {}",
                kind.as_str(),
                shown::clean(&for_user)
            ),
        ),
        Cancelled::Renewal { next } => (
            serde_json::json!({"cancelled": "renew", "operation": operation, "next": next.map(shown::moment)}),
            format!(
                "renewal {operation} is given up. The next is due at {}",
                shown::moment_or_none(next)
            ),
        ),
    };
    out::either(args.json, &report, || vec![line])?;
    Ok(Exit::AllWell)
}

fn nothing(args: &Args) -> Result<Exit, CommandError> {
    let report = serde_json::json!({"cancelled": null});
    out::either(args.json, &report, || vec!["no such operation runs: nothing to cancel"])?;
    Ok(Exit::NotWell)
}

fn removal(id: &str) -> CommandError {
    CommandError::Refused(format!(
        "a removal can't be cancelled: half of it may be done already. Fix what it waits for (cdnctl show {} \
         --operation last), then cdnctl retry",
        shown::clean(id)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_one_line_that_says_something() {
        assert_eq!(why(" the origin is gone "), Ok("the origin is gone".to_owned()));
        for bad in ["", "  ", "a\nb", "\x1b[2J"] {
            assert!(why(bad).is_err(), "{bad:?}");
        }
    }
}
