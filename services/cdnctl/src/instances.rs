//! `cdnctl instances`: all instances, one line each.

use pipeline::OperationState;
use store::DatabaseArgs;
use store::operator::{Choice, InstanceLine};

use crate::CommandError;
use crate::exit::Exit;
use crate::{database, out, shown, table};

/// Lists instances: each one's newest operation, and what it waits for.
///
/// Renewals are operations, too. Exit code 1 when no instance is found.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Instances")]
pub struct Args {
    /// Only those whose newest operation is in this state.
    #[arg(long, value_parser = ["running", "succeeded", "failed", "superseded"])]
    pub state: Option<String>,
    /// Only the one that has this domain, or those that request it; a name that a wildcard covers finds the wildcard, too.
    #[arg(long, value_name = "NAME")]
    pub domain: Option<String>,
    /// Only those of this organization.
    #[arg(long)]
    pub tenant: Option<String>,
    /// Removed ones, too.
    #[arg(long)]
    pub removed: bool,
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
    let choice = Choice {
        state: args.state.clone(),
        tenant: args.tenant.clone(),
        domains: args
            .domain
            .as_ref()
            .map(|name| with_its_wildcard(name.trim_end_matches('.').to_lowercase())),
        removed: args.removed,
    };
    let found = database::open(&args.database).await?.instance_lines(&choice).await?;
    out::either(args.json, &found, || lines(&found))?;
    Ok(if found.is_empty() { Exit::NotWell } else { Exit::AllWell })
}

fn with_its_wildcard(name: String) -> Vec<String> {
    let wildcard = name.split_once('.').map(|(_, parent)| format!("*.{parent}"));
    [name].into_iter().chain(wildcard).collect()
}

fn lines(found: &[InstanceLine]) -> Vec<String> {
    if found.is_empty() {
        return vec!["no such instance".to_owned()];
    }
    let rows: Vec<_> = found.iter().map(row).collect();
    let heading = [
        "INSTANCE",
        "TENANT",
        "DOMAINS",
        "OPERATION",
        "STATE",
        "AGE",
        "CERTIFICATE",
        "WAITS FOR",
    ];
    table::lines(heading, &rows)
}

fn row(line: &InstanceLine) -> [String; 8] {
    let left = line.certificate_not_after.filter(|_| line.deleted_at.is_none());
    [
        shown::clean(&line.id),
        shown::plain(&line.tenant),
        shown::names(&line.domains),
        line.kind.clone(),
        match line.deleted_at {
            Some(_) => "removed".to_owned(),
            None => line.state.clone(),
        },
        shown::span(line.read_at - line.operation_created_at),
        left.map_or_else(shown::none, |end| format!("{} left", shown::span(end - line.read_at))),
        waits_for(line),
    ]
}

fn waits_for(line: &InstanceLine) -> String {
    if line.state == OperationState::Failed.as_str() {
        return line.failure.as_deref().map_or_else(shown::none, shown::plain);
    }
    let Some(step) = &line.waiting_step else {
        return shown::none();
    };
    let subject = line.waiting_subject.as_deref().unwrap_or_default();
    let more = match line.waiting {
        0 | 1 => String::new(),
        all => format!(" (and {} more)", all - 1),
    };
    let reason = match &line.waiting_for {
        Some(reason) => format!(": {}", shown::plain(&reason.to_string())),
        None => String::new(),
    };
    format!("{step} {}", shown::clean(subject)).trim_end().to_owned() + &more + &reason
}
