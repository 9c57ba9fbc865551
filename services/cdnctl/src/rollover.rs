//! `cdnctl rollover`: replaces the keys of accounts at the CA.

use std::io::Write as _;

use serde::Serialize;
use store::operator::AccountLine;
use store::{Actor, DatabaseArgs, Store};

use crate::CommandError;
use crate::confirm::confirm;
use crate::exit::Exit;
use crate::{database, out, shown, table};

/// Has the keys of tenants' accounts at the CA changed (RFC 8555 §7.3.5).
///
/// For keys that leaked, or are too old for a policy. An account stays what it is, with its URL. The tenants' dns-persist-01 records
/// stay valid; where the CA follows draft -02 they are made with the key, though, and tenants should set new ones soon: it warns of that.
/// It only records the request: certificate-issuer changes the keys in its next runs (RENEWAL_INTERVAL), at most 20 per run, and retries
/// those that fail; `cdnctl accounts` shows the progress. The values of dns-01 and http-01 challenges that are not proved yet change then.
/// Exit code 1 when a tenant has no account.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Rollover")]
pub struct Args {
    /// The organization.
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
}

/// Whose accounts.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
pub struct Which {
    /// The organizations' ids.
    #[arg(value_name = "TENANT")]
    pub tenants: Vec<String>,
    /// Every account that the CA knows.
    #[arg(long)]
    pub all: bool,
}

#[derive(Serialize)]
struct Line {
    tenant: String,
    account_uri: Option<String>,
    asked: bool,
    told: &'static str,
}

/// Requests the rollover.
///
/// # Errors
/// When the database can't be queried, or the confirmation is missing.
pub async fn run(args: &Args, actor: Actor) -> Result<Exit, CommandError> {
    let store = database::open(&args.database).await?;
    let tenants = (!args.which.all).then_some(args.which.tenants.as_slice());
    let count = registered(&store, tenants).await?;
    if count > 0 {
        let hashed = store.accounts_in_hashed_records(tenants).await?;
        let warning = warning(hashed);
        if args.yes && hashed > 0 {
            // If nobody reads the warning, continue without it.
            let _ = writeln!(std::io::stderr(), "{warning}.");
        }
        confirm(
            &format!("Changes the keys of {count} accounts at the CA. {warning}"),
            args.yes,
        )?;
    }
    let asked = store.acting(actor).ask_for_rollovers(tenants).await?;
    let lines = told(tenants.unwrap_or_default(), asked);
    out::either(args.json, &lines, || text(&lines))?;
    let well = !lines.is_empty() && lines.iter().all(|line| line.asked);
    Ok(if well { Exit::AllWell } else { Exit::NotWell })
}

/// The limits of "set once": the CA decides whether the account's key is part of its standing records.
fn warning(hashed: i64) -> String {
    match hashed {
        0 => "Records of dns-persist-01 hold, since they name the account's URL".to_owned(),
        _ => format!(
            "Records of dns-persist-01 are made with the key at {hashed} of them (draft -02): those that are set \
             hold, since the CA has to keep accepting them, but the status shows other values from now on, which the \
             tenants should set soon"
        ),
    }
}

async fn registered(store: &Store, tenants: Option<&[String]>) -> Result<usize, CommandError> {
    let accounts = store.account_lines(tenants).await?;
    Ok(accounts.iter().filter(|line| line.account_uri.is_some()).count())
}

/// A line for each account, and for each named tenant without one.
fn told(tenants: &[String], asked: Vec<AccountLine>) -> Vec<Line> {
    let has_none = |tenant: &&String| !asked.iter().any(|line| line.tenant == **tenant);
    let none: Vec<Line> = tenants
        .iter()
        .filter(has_none)
        .map(|tenant| Line {
            tenant: tenant.clone(),
            account_uri: None,
            asked: false,
            told: "has no account at a CA: its first order makes one, with a new key",
        })
        .collect();
    let asked = asked.into_iter().map(|line| Line {
        tenant: line.tenant,
        account_uri: line.account_uri,
        asked: true,
        told: "its key is to be changed: cdnctl accounts",
    });
    asked.chain(none).collect()
}

fn text(lines: &[Line]) -> Vec<String> {
    if lines.is_empty() {
        return vec!["there is no account".to_owned()];
    }
    let row = |line: &Line| {
        [
            shown::plain(&line.tenant),
            line.account_uri.as_deref().map_or_else(shown::none, shown::clean),
            line.told.to_owned(),
        ]
    };
    table::lines(["TENANT", "ACCOUNT", ""], &lines.iter().map(row).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn whether_the_key_is_in_the_tenants_records_is_told() {
        assert!(warning(0).contains("name the account's URL"));
        let hashed = warning(2);
        assert!(
            hashed.contains("made with the key at 2 of them") && hashed.contains("should set soon"),
            "{hashed}"
        );
    }

    #[test]
    fn a_tenant_without_an_account_is_told_as_such() {
        let read_at = datetime!(2026-01-01 0:00 UTC);
        let line = AccountLine {
            tenant: "org-a".into(),
            directory_url: "https://ca/dir".into(),
            account_uri: Some("https://ca/acct/1".into()),
            created_at: read_at,
            key_changed_at: None,
            rollover_asked_at: Some(read_at),
            rollover_problem: None,
            read_at,
        };
        let lines = told(&["org-a".into(), "org-b".into()], vec![line]);
        let seen: Vec<_> = lines.iter().map(|line| (line.tenant.as_str(), line.asked)).collect();
        assert_eq!(seen, [("org-a", true), ("org-b", false)]);
        let text = text(&lines);
        assert!(
            text[1].starts_with("org-a   https://ca/acct/1  its key is to be changed"),
            "{}",
            text[1]
        );
        assert!(
            text[2].starts_with("org-b   -                  has no account"),
            "{}",
            text[2]
        );
    }
}
