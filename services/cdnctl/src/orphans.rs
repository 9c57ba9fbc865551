//! `cdnctl orphans`: resources in AWS with this broker's mark and without an owner.

use aws::ReconcileArgs;
use serde::Serialize;
use store::DatabaseArgs;
use store::operator::Orphan;
use time::{Duration, OffsetDateTime};

use crate::CommandError;
use crate::exit::Exit;
use crate::{database, out, shown, table};

/// Lists the orphans that the reconcilers have found in AWS: provably made by this broker, and without an owner.
///
/// They are removed by the first search (RECONCILE_INTERVAL) after ORPHAN_GRACE has passed; a distribution is disabled first. What only
/// looks like the broker's is left alone, and reported in the logs of distribution and cert-installer. Exit code 1 when an orphan should
/// have been removed an hour ago.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Orphans")]
pub struct Args {
    /// Removed ones, too.
    #[arg(long)]
    pub removed: bool,
    /// Print JSON: the same facts, and more of them.
    #[arg(long)]
    pub json: bool,
    /// The services' own.
    #[command(flatten)]
    pub reconcile: ReconcileArgs,
    /// The services' database.
    #[command(flatten)]
    pub database: DatabaseArgs,
}

/// Disabling a distribution and waiting for its deployment takes a while.
const SLOW: Duration = Duration::HOUR;

/// An orphan, and when it will be removed.
#[derive(Debug, Serialize)]
pub(crate) struct Line {
    #[serde(flatten)]
    orphan: Orphan,
    /// When it is due for removal.
    #[serde(with = "time::serde::rfc3339")]
    removal_at: OffsetDateTime,
    late: bool,
}

impl Line {
    pub(crate) fn of(orphan: Orphan, reconcile: &ReconcileArgs) -> Self {
        let removal_at = orphan.first_seen + std::time::Duration::from(reconcile.orphan_grace);
        Self {
            late: orphan.removed_at.is_none() && removal_at + SLOW < orphan.read_at,
            removal_at,
            orphan,
        }
    }

    pub(crate) fn is_late(&self) -> bool {
        self.late
    }
}

/// Shows them.
///
/// # Errors
/// When the database can't be queried.
pub async fn run(args: &Args) -> Result<Exit, CommandError> {
    let found = database::open(&args.database)
        .await?
        .found_orphans(args.removed)
        .await?;
    let all: Vec<Line> = found
        .into_iter()
        .map(|orphan| Line::of(orphan, &args.reconcile))
        .collect();
    out::either(args.json, &all, || lines(&all))?;
    let late = all.iter().any(Line::is_late);
    Ok(if late { Exit::NotWell } else { Exit::AllWell })
}

fn lines(all: &[Line]) -> Vec<String> {
    if all.is_empty() {
        return vec!["no orphans".to_owned()];
    }
    let rows: Vec<_> = all.iter().map(row).collect();
    table::lines(["KIND", "IN AWS", "INSTANCE", "SINCE", "LAST SEEN", "REMOVAL"], &rows)
}

fn row(line: &Line) -> [String; 6] {
    let orphan = &line.orphan;
    let left = line.removal_at - orphan.read_at;
    [
        orphan.kind.clone(),
        shown::clean(&orphan.aws_id),
        orphan.instance.as_deref().map_or_else(shown::none, shown::clean),
        shown::moment(orphan.first_seen),
        shown::moment(orphan.last_seen),
        match orphan.removed_at {
            Some(at) => format!("done {}", shown::moment(at)),
            None if line.late => format!("LATE, since {}", shown::moment(line.removal_at)),
            None if left.is_positive() => format!("in {}", shown::span(left)),
            None => "at the next check".to_owned(),
        },
    ]
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn an_orphan_that_outlives_its_grace_by_far_is_late() {
        let reconcile = ReconcileArgs {
            reconcile_interval: std::time::Duration::from_secs(600).into(),
            orphan_grace: std::time::Duration::from_secs(3600).into(),
        };
        let first_seen = datetime!(2026-11-25 3:00 UTC);
        let after = |minutes| Orphan {
            kind: "distribution".into(),
            aws_id: "E1".into(),
            instance: None,
            first_seen,
            last_seen: first_seen,
            removed_at: None,
            read_at: first_seen + Duration::minutes(minutes),
        };
        let told = |minutes| row(&Line::of(after(minutes), &reconcile))[5].clone();
        assert_eq!(told(30), "in 30 min");
        assert_eq!(told(70), "at the next check");
        assert_eq!(told(121), "LATE, since 2026-11-25T04:00:00Z");
        let removed = Orphan {
            removed_at: Some(first_seen),
            ..after(500)
        };
        assert!(!Line::of(removed, &reconcile).is_late());
    }
}
