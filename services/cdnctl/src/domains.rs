//! `cdnctl domains`: which instance has a domain, which ones request it, since when and why.

use store::DatabaseArgs;
use store::operator::DomainLine;

use crate::CommandError;
use crate::exit::Exit;
use crate::{database, out, shown, table};

/// Shows which service instance has a domain, which ones request it, since when and why.
///
/// A domain belongs to the service instance that has proved it, as long as that proof is in place; otherwise it goes to the next one that
/// proves it, after CLAIM_GRACE of challenge-verifier, or at once when the certificate that it was proved for has expired. An instance
/// that is being removed, or could not be created, keeps nothing. Exit code 1 when no instance has or requests the domain.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Domains")]
pub struct Args {
    /// Only this domain, as in `domains`: ASCII, lower case.
    pub domain: Option<String>,
    /// Print JSON: the same facts, and more of them.
    #[arg(long)]
    pub json: bool,
    /// The services' database.
    #[command(flatten)]
    pub database: DatabaseArgs,
}

/// Prints them.
///
/// # Errors
/// When the database can't be queried.
pub async fn run(args: &Args) -> Result<Exit, CommandError> {
    let found = database::open(&args.database)
        .await?
        .domain_lines(args.domain.as_deref())
        .await?;
    out::either(args.json, &found, || lines(&found))?;
    Ok(if found.is_empty() { Exit::NotWell } else { Exit::AllWell })
}

fn lines(found: &[DomainLine]) -> Vec<String> {
    if found.is_empty() {
        return vec!["no instance has it or asks for it".to_owned()];
    }
    let rows: Vec<_> = found.iter().map(row).collect();
    table::lines(["DOMAIN", "INSTANCE", "TENANT", "STATE", "SINCE", "WHY"], &rows)
}

fn row(line: &DomainLine) -> [String; 6] {
    let (since, why) = reason(line);
    [
        shown::plain(&line.domain),
        shown::plain(&line.instance),
        shown::plain(&line.tenant),
        line.state.clone(),
        shown::moment(since),
        why,
    ]
}

fn reason(line: &DomainLine) -> (time::OffsetDateTime, String) {
    let seen = match line.seen_at {
        Some(at) => format!("its proof was last seen {}", shown::moment(at)),
        None => "its proof was not seen".to_owned(),
    };
    match line.state.as_str() {
        "has" if line.lapsed => (
            line.proved_at.unwrap_or(line.asked_at),
            format!("its certificate has ended, so the next one that proves the domain gets it; {seen}"),
        ),
        "has" if line.proof_gone_at.is_some() => (
            line.proof_gone_at.unwrap_or(line.asked_at),
            format!("nothing proves it any more, so its next renewal waits for its tenant; {seen}"),
        ),
        "has" => (line.proved_at.unwrap_or(line.asked_at), format!("it proved it; {seen}")),
        "lost" => (
            line.lost_at.unwrap_or(line.asked_at),
            match &line.lost_to {
                Some(instance) => format!("{} proved it", shown::clean(instance)),
                None => "an operator released it".to_owned(),
            },
        ),
        "being-removed" => (line.operation_since, "it keeps nothing".to_owned()),
        "not-created" => (
            line.operation_since,
            "it keeps nothing, and waits to be removed".to_owned(),
        ),
        _ => (
            line.asked_at,
            match line.wins_at {
                Some(at) => format!(
                    "it proves it and the one that has it does not: it gets it at {}; {seen}",
                    shown::moment(at)
                ),
                None => format!("not proved yet; {seen}"),
            },
        ),
    }
}
