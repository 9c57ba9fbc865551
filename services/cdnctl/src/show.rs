//! `cdnctl show`: everything known about an instance.

mod certificates;
mod open;
mod timeline;

use std::str::FromStr;

use serde::Serialize;
use store::DatabaseArgs;
use store::operator::Dossier;
use uuid::Uuid;

use crate::CommandError;
use crate::exit::Exit;
use crate::{database, out, shown};

/// Shows everything that is known about an instance.
///
/// Its settings, its certificates, and the timeline of its operations: each step with its attempts, its duration and what it waited for;
/// for a running operation also the challenges of each domain. Renewals are operations here; the platform doesn't see them.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Show")]
pub struct Args {
    /// The instance's id (`cf service NAME --guid`, or `cdnctl instances --domain NAME`).
    pub id: String,
    /// Only this operation: its id, or `last`.
    #[arg(long, value_name = "UUID|last")]
    pub operation: Option<Which>,
    /// Print JSON: the same facts, and more of them.
    #[arg(long)]
    pub json: bool,
    /// The services' database.
    #[command(flatten)]
    pub database: DatabaseArgs,
}

/// Which operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// The newest.
    Last,
    /// This one.
    This(Uuid),
}

impl FromStr for Which {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "last" => Ok(Self::Last),
            id => id
                .parse()
                .map(Self::This)
                .map_err(|_| "`last`, or an id as this command shows it".to_owned()),
        }
    }
}

/// The same and more, as JSON.
#[derive(Serialize)]
struct Report<'d> {
    #[serde(flatten)]
    dossier: &'d Dossier,
    /// Serial numbers by certificate id.
    serials: std::collections::BTreeMap<Uuid, Option<String>>,
}

/// Prints it.
///
/// # Errors
/// When the id is unknown or the database can't be queried.
pub async fn run(args: &Args) -> Result<Exit, CommandError> {
    let dossier = database::open(&args.database).await?.dossier(&args.id).await?;
    let mut dossier = dossier.ok_or_else(|| CommandError::unknown(&args.id))?;
    if let Some(which) = args.operation {
        narrow(&mut dossier, which)?;
    }
    let report = Report {
        dossier: &dossier,
        serials: dossier
            .certificates
            .iter()
            .map(|certificate| (certificate.id, certificates::serial(&certificate.chain_pem)))
            .collect(),
    };
    out::either(args.json, &report, || text(&dossier))?;
    Ok(Exit::AllWell)
}

fn narrow(dossier: &mut Dossier, which: Which) -> Result<(), CommandError> {
    let newest = dossier.operations.last().map(|operation| operation.id);
    let wanted = match which {
        Which::Last => newest,
        Which::This(id) => Some(id),
    };
    dossier.operations.retain(|operation| Some(operation.id) == wanted);
    match (which, dossier.operations.is_empty()) {
        (Which::This(id), true) => Err(CommandError::Refused(format!(
            "instance {} has no operation {id}: without --operation all that it has are shown",
            dossier.id
        ))),
        _ => Ok(()),
    }
}

fn text(dossier: &Dossier) -> Vec<String> {
    let mut lines = heading(dossier);
    lines.push(String::new());
    lines.extend(certificates::lines(dossier));
    for operation in &dossier.operations {
        lines.push(String::new());
        lines.extend(timeline::lines(operation, dossier.read_at));
        if operation.state == "running" {
            lines.extend(open::lines(dossier));
        }
    }
    lines
}

fn heading(dossier: &Dossier) -> Vec<String> {
    let ago = |at| format!("{} ({} ago)", shown::moment(at), shown::span(dossier.read_at - at));
    let line = |name: &str, value: String| format!("{name:<12}  {value}");
    let mut lines = vec![
        line("INSTANCE", shown::clean(&dossier.id)),
        line("TENANT", shown::clean(&dossier.tenant)),
        line("PLAN", shown::clean(&dossier.plan_id)),
        line("DOMAINS", shown::clean(&dossier.domains.join(", "))),
        line(
            "DISTRIBUTION",
            match (&dossier.distribution_id, &dossier.distribution_domain) {
                (Some(id), Some(domain)) => shown::clean(&format!("{id}  {domain}")),
                _ => shown::none(),
            },
        ),
    ];
    if let Some(function) = &dossier.function_name {
        lines.push(line("FUNCTION", shown::clean(function)));
    }
    lines.push(line("SETTINGS", shown::pairs(&dossier.settings)));
    lines.push(line("CREATED", ago(dossier.created_at)));
    if let Some(at) = dossier.deleted_at {
        lines.push(line("REMOVED", ago(at)));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operation_is_named_by_its_id_or_last() {
        assert_eq!("last".parse(), Ok(Which::Last));
        let id = Uuid::from_u128(7);
        assert_eq!(id.to_string().parse(), Ok(Which::This(id)));
        assert!("first".parse::<Which>().unwrap_err().contains("`last`"));
    }
}
