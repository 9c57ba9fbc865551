//! `cdnctl accounts`: the tenants' accounts at the CA, and the state of their keys.

use store::DatabaseArgs;
use store::operator::AccountLine;

use crate::CommandError;
use crate::exit::Exit;
use crate::{database, out, shown, table};

/// Lists the tenants' accounts at the CA.
///
/// For a key that is to be changed (`cdnctl rollover`) it shows since when, and the error of the last attempt. Exit code 1 when there is
/// such an error, or no account.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Accounts")]
pub struct Args {
    /// Only those of this organization.
    #[arg(long)]
    pub tenant: Option<String>,
    /// Print JSON: the same facts, and more of them.
    #[arg(long)]
    pub json: bool,
    /// The services' database.
    #[command(flatten)]
    pub database: DatabaseArgs,
}

/// Lists them.
///
/// # Errors
/// When the database can't be queried.
pub async fn run(args: &Args) -> Result<Exit, CommandError> {
    let tenant = args.tenant.as_ref().map(std::slice::from_ref);
    let found = database::open(&args.database).await?.account_lines(tenant).await?;
    out::either(args.json, &found, || lines(&found))?;
    let well = !found.is_empty() && found.iter().all(|line| line.rollover_problem.is_none());
    Ok(if well { Exit::AllWell } else { Exit::NotWell })
}

fn lines(found: &[AccountLine]) -> Vec<String> {
    if found.is_empty() {
        return vec!["no such account".to_owned()];
    }
    let rows: Vec<_> = found.iter().map(row).collect();
    let heading = [
        "TENANT",
        "ACCOUNT",
        "CA",
        "SINCE",
        "KEY CHANGED",
        "TO BE CHANGED",
        "PROBLEM",
    ];
    table::lines(heading, &rows)
}

fn row(line: &AccountLine) -> [String; 7] {
    [
        shown::plain(&line.tenant),
        match &line.account_uri {
            Some(uri) => shown::clean(uri),
            None => "not registered".to_owned(),
        },
        shown::plain(&line.directory_url),
        shown::moment(line.created_at),
        shown::moment_or_none(line.key_changed_at),
        match line.rollover_asked_at {
            Some(at) => format!("since {}", shown::span(line.read_at - at)),
            None => shown::none(),
        },
        line.rollover_problem.as_deref().map_or_else(shown::none, shown::clean),
    ]
}
