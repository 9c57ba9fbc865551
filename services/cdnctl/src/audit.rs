//! `cdnctl audit`: what operators did.

use store::{AuditEntry, AuditFilter, DatabaseArgs};

use crate::CommandError;
use crate::exit::Exit;
use crate::{database, out, shown, table};

/// Shows what operators changed, the newest first: by cdnctl, and by the operator's page.
///
/// An entry is written together with the change. What failed or changed nothing has none; a message that was replayed or dropped has one
/// before and one after. WHO is what the person said, or the environment; ROLE is the role that PostgreSQL let in.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Audit")]
pub struct Args {
    /// Only what was done to this instance; also to one that is no longer known.
    #[arg(long, value_name = "ID")]
    pub instance: Option<String>,
    /// Only the last while, such as 7d.
    #[arg(long, value_name = "TIME")]
    pub since: Option<humantime::Duration>,
    /// At most so many.
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub limit: u16,
    /// Only those that are older than the entry with this id.
    #[arg(long, value_name = "ID")]
    pub before: Option<i64>,
    /// Print JSON: the same facts, and more of them.
    #[arg(long)]
    pub json: bool,
    /// The services' database.
    #[command(flatten)]
    pub database: DatabaseArgs,
}

/// Shows them.
///
/// # Errors
/// When the database can't be queried.
pub async fn run(args: &Args) -> Result<Exit, CommandError> {
    let limit = usize::from(args.limit);
    let filter = AuditFilter {
        instance: args.instance.as_deref(),
        since: args.since.map(Into::into),
        before: args.before,
        // One more tells whether there are older ones.
        limit: i64::from(args.limit) + 1,
    };
    let mut entries = database::open(&args.database).await?.audit(&filter).await?;
    let more = entries.len() > limit;
    entries.truncate(limit);
    out::either(args.json, &entries, || lines(&entries, more))?;
    Ok(Exit::AllWell)
}

fn lines(entries: &[AuditEntry], more: bool) -> Vec<String> {
    if entries.is_empty() {
        return vec!["no entry".to_owned()];
    }
    let rows: Vec<_> = entries.iter().map(row).collect();
    let heading = [
        "ID", "AT", "WHO", "VIA", "ROLE", "ACTION", "INSTANCE", "SUBJECT", "DETAILS",
    ];
    let mut lines = table::lines(heading, &rows);
    if let Some(last) = entries.last().filter(|_| more) {
        lines.push(String::new());
        lines.push(format!("older ones: --before {}", last.id));
    }
    lines
}

fn row(entry: &AuditEntry) -> [String; 9] {
    let optional = |text: &Option<String>| text.as_deref().map_or_else(shown::none, shown::plain);
    let details = shown::pairs(&entry.details);
    [
        entry.id.to_string(),
        shown::moment(entry.at),
        shown::plain(&entry.who),
        shown::plain(&entry.via),
        shown::plain(&entry.db_role),
        shown::plain(&entry.action),
        optional(&entry.instance),
        optional(&entry.subject),
        if details.is_empty() { shown::none() } else { details },
    ]
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use time::macros::datetime;
    use uuid::Uuid;

    use super::*;

    fn entry(id: i64) -> AuditEntry {
        AuditEntry {
            id,
            at: datetime!(2026-11-25 3:00:07.5 UTC),
            who: "alice\x1b[2J".to_owned(),
            via: "cdnctl".to_owned(),
            db_role: "cdn_broker".to_owned(),
            action: "cancel".to_owned(),
            instance: Some("i-1".to_owned()),
            operation: Some(Uuid::from_u128(7)),
            subject: None,
            details: json!({"kind": "update", "why": "a mistake", "nothing": null}),
        }
    }

    #[test]
    fn an_entry_is_one_harmless_line() {
        let lines = lines(&[entry(12)], false);
        assert_eq!(lines.len(), 2);
        assert_eq!(
            lines[1],
            "12  2026-11-25T03:00:07Z  alice\\u{1b}[2J  cdnctl  cdn_broker  cancel  i-1       -        kind=update  why=a mistake"
        );
    }

    #[test]
    fn the_next_page_begins_before_the_last_entry() {
        let two = [entry(12), entry(11)];
        assert_eq!(
            lines(&two, true).last().map(String::as_str),
            Some("older ones: --before 11")
        );
        assert_eq!(lines(&two, false).len(), 3);
        assert_eq!(lines(&[], false), ["no entry"]);
    }
}
