//! `cdnctl certificates`: the certificates in use, their expiry, and the state of their renewals.

use serde::Serialize;
use store::DatabaseArgs;
use store::operator::CertificateInUse;
use time::Duration;

use crate::CommandError;
use crate::exit::Exit;
use crate::{database, out, shown, table};

/// Lists the certificates in use, those that expire first at the top.
///
/// Exit code 1 when one of the listed needs action: it has expired, its last renewal failed, or it has been due for an hour and no
/// operation is running on its instance (without a renewal time yet: two thirds of its lifetime are over). The certificate of an instance
/// whose removal failed is no longer renewed, and marked as such.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Certificates")]
pub struct Args {
    /// Only those that end within this time, such as 30d.
    #[arg(long, value_name = "TIME")]
    pub expiring: Option<humantime::Duration>,
    /// Print JSON: the same facts, and more of them.
    #[arg(long)]
    pub json: bool,
    /// The services' database.
    #[command(flatten)]
    pub database: DatabaseArgs,
}

/// How it stands with a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// Its time has not come.
    Ok,
    /// Its time has come a moment ago: the planner looks now and then, and not at too many of one tenant.
    Due,
    /// An operation that brings another one is at work, or one that has to end first.
    AtWork,
    /// Its last renewal failed.
    Failing,
    /// Its time has come long ago, and nothing was done.
    Overdue,
    /// Its instance could not be removed, and is renewed no more.
    RemovalFailed,
    /// Viewers are turned away.
    Ended,
}

/// The planner runs every RENEWAL_INTERVAL (10 min), and leaves some for its next run.
const DUE_FOR_LONG: Duration = Duration::HOUR;

impl Standing {
    /// The state of a certificate at the time when it was read.
    pub fn of(certificate: &CertificateInUse) -> Self {
        let now = certificate.read_at;
        let life = certificate.not_after - certificate.not_before;
        let due = certificate.renew_at.unwrap_or(certificate.not_before + life * 2 / 3);
        match &certificate.at_work {
            _ if certificate.not_after <= now => Self::Ended,
            Some(_) => Self::AtWork,
            None if certificate.removal_failed => Self::RemovalFailed,
            None if certificate.failures > 0 => Self::Failing,
            None if due + DUE_FOR_LONG < now => Self::Overdue,
            None if due <= now => Self::Due,
            None => Self::Ok,
        }
    }

    /// Whether nobody has to act.
    pub fn is_well(self) -> bool {
        matches!(self, Self::Ok | Self::Due | Self::AtWork)
    }

    fn told(self, certificate: &CertificateInUse) -> String {
        match self {
            Self::Ok => "ok".to_owned(),
            Self::Due => "due".to_owned(),
            Self::AtWork => format!("{} at work", certificate.at_work.as_deref().unwrap_or("an operation")),
            Self::Failing => "FAILING".to_owned(),
            Self::Overdue => "OVERDUE".to_owned(),
            Self::RemovalFailed => "REMOVAL FAILED".to_owned(),
            Self::Ended => "ENDED".to_owned(),
        }
    }
}

#[derive(Serialize)]
struct Line<'c> {
    #[serde(flatten)]
    certificate: &'c CertificateInUse,
    standing: Standing,
}

/// Lists them.
///
/// # Errors
/// When the database can't be queried.
pub async fn run(args: &Args) -> Result<Exit, CommandError> {
    let store = database::open(&args.database).await?;
    let found = store.certificates_in_use(args.expiring.map(Into::into)).await?;
    let all: Vec<_> = found
        .iter()
        .map(|certificate| Line {
            certificate,
            standing: Standing::of(certificate),
        })
        .collect();
    out::either(args.json, &all, || lines(&all))?;
    let well = all.iter().all(|line| line.standing.is_well());
    Ok(if well { Exit::AllWell } else { Exit::NotWell })
}

fn lines(all: &[Line<'_>]) -> Vec<String> {
    if all.is_empty() {
        return vec!["no such certificate".to_owned()];
    }
    let rows: Vec<_> = all.iter().map(row).collect();
    let heading = [
        "INSTANCE",
        "NAMES",
        "NOT AFTER",
        "LEFT",
        "RENEW AT",
        "STANDING",
        "FAILED",
        "LAST REASON",
    ];
    table::lines(heading, &rows)
}

fn row(line: &Line<'_>) -> [String; 8] {
    let certificate = line.certificate;
    [
        shown::clean(&certificate.instance),
        shown::names(&certificate.names),
        shown::moment(certificate.not_after),
        shown::span(certificate.not_after - certificate.read_at),
        certificate
            .renew_at
            .map_or_else(|| "not decided".to_owned(), shown::moment),
        line.standing.told(certificate),
        match certificate.failed_at {
            None => shown::none(),
            Some(at) => format!(
                "{} ×, {} ago",
                certificate.failures,
                shown::span(certificate.read_at - at)
            ),
        },
        certificate.failure.as_deref().map_or_else(shown::none, shown::plain),
    ]
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;
    use uuid::Uuid;

    use super::*;

    fn read(days_after: i64, change: impl FnOnce(&mut CertificateInUse)) -> Standing {
        let begin = datetime!(2026-01-01 0:00 UTC);
        let mut certificate = CertificateInUse {
            id: Uuid::nil(),
            instance: "i".into(),
            tenant: "t".into(),
            names: Vec::new(),
            not_before: begin,
            not_after: begin + Duration::days(90),
            renew_at: Some(begin + Duration::days(60)),
            attached_at: begin,
            reference: None,
            failures: 0,
            failed_at: None,
            failure: None,
            cause: None,
            at_work: None,
            removal_failed: false,
            read_at: begin + Duration::days(days_after) + Duration::minutes(10),
        };
        change(&mut certificate);
        Standing::of(&certificate)
    }

    #[test]
    fn what_is_due_for_long_or_fails_or_has_ended_is_not_well() {
        let as_it_is = |_: &mut CertificateInUse| {};
        assert_eq!(read(59, as_it_is), Standing::Ok);
        assert_eq!(read(60, as_it_is), Standing::Due);
        assert_eq!(read(61, as_it_is), Standing::Overdue);
        assert_eq!(read(61, |one| one.at_work = Some("renew".into())), Standing::AtWork);
        assert_eq!(read(61, |one| one.failures = 1), Standing::Failing);
        assert_eq!(read(61, |one| one.removal_failed = true), Standing::RemovalFailed);
        assert_eq!(read(90, |one| one.at_work = Some("renew".into())), Standing::Ended);
        let undecided = |one: &mut CertificateInUse| one.renew_at = None;
        assert_eq!(
            (read(59, undecided), read(61, undecided)),
            (Standing::Ok, Standing::Overdue)
        );
        assert!(Standing::Due.is_well() && !Standing::Failing.is_well());
    }
}
