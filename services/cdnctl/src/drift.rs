//! `cdnctl drift`: whether CloudFront's configuration matches the database.

mod compare;

use aws::CloudFront;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use serde::Serialize;
use store::DatabaseArgs;
use store::operator::Configured;

use crate::CommandError;
use crate::exit::Exit;
use crate::{cloudfront, database, out, shown, table};

/// CloudFront limits the request rate.
const AT_ONCE: usize = 4;

/// Compares CloudFront's configurations with those that the database says were written.
///
/// Each distribution: whether it is there and enabled, its certificate, and all that its parameters say (but where a redirect leads).
/// Reads only
/// (cloudfront:GetDistributionConfig; the environment of the service distribution has what it needs), and takes a call for each
/// instance. `cf update-service NAME -c '{"timestamp": "now"}'` corrects what differs, except whether it is enabled, which is the
/// operator's. Exit code 1 when something differs on an instance without a running operation.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Drift", after_help = aws::AFTER_HELP)]
pub struct Args {
    /// The instances' ids; none: all.
    pub ids: Vec<String>,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
    /// The services' database.
    #[command(flatten)]
    pub database: DatabaseArgs,
}

/// An instance, and what differs.
#[derive(Debug, Serialize)]
struct Line {
    instance: String,
    distribution: String,
    /// The kind of the operation that may be changing it right now.
    at_work: Option<String>,
    differences: Vec<String>,
}

/// Compares them.
///
/// # Errors
/// When the database or CloudFront can't be queried.
pub async fn run(args: &Args) -> Result<Exit, CommandError> {
    let chosen = (!args.ids.is_empty()).then_some(args.ids.as_slice());
    let all = database::open(&args.database).await?.configured(chosen).await?;
    if let Some(id) = args
        .ids
        .iter()
        .find(|id| !all.iter().any(|configured| configured.instance == **id))
    {
        return Err(CommandError::Refused(format!(
            "there is no instance {:?} with a distribution in this database",
            shown::plain(id)
        )));
    }
    let cloudfront = cloudfront::open().await?;
    let lines: Vec<Line> = stream::iter(all)
        .map(|told| look(&cloudfront, told))
        .buffered(AT_ONCE)
        .try_collect()
        .await?;
    out::either(args.json, &lines, || text(&lines))?;
    let drifted = |line: &Line| line.at_work.is_none() && !line.differences.is_empty();
    Ok(if lines.iter().any(drifted) {
        Exit::NotWell
    } else {
        Exit::AllWell
    })
}

async fn look(cloudfront: &CloudFront, configured: Configured) -> Result<Line, CommandError> {
    let there = cloudfront.config(&configured.distribution_id).await?;
    Ok(Line {
        differences: compare::differences(&configured, there.as_ref().map(|read| &read.config)),
        instance: configured.instance,
        distribution: configured.distribution_id,
        at_work: configured.at_work,
    })
}

fn text(lines: &[Line]) -> Vec<String> {
    if lines.is_empty() {
        return vec!["no instance has a distribution".to_owned()];
    }
    let rows: Vec<_> = lines.iter().flat_map(rows).collect();
    table::lines(["INSTANCE", "DISTRIBUTION", "AT WORK", "IN CLOUDFRONT"], &rows)
}

/// One row for each difference.
fn rows(line: &Line) -> Vec<[String; 4]> {
    let row = |told: String| {
        [
            shown::clean(&line.instance),
            shown::clean(&line.distribution),
            line.at_work.clone().unwrap_or_else(shown::none),
            told,
        ]
    };
    match line.differences.as_slice() {
        [] => vec![row("as configured".to_owned())],
        all => all.iter().map(|difference| row(shown::clean(difference))).collect(),
    }
}
