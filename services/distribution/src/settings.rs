//! The service's settings.

use pipeline::Schedules;
use worker::{ResponderArgs, WorkerArgs};

/// Makes, changes, awaits, disables and deletes CloudFront distributions.
#[derive(Debug, clap::Parser)]
#[command(version, about, after_help = aws::AFTER_HELP)]
pub(crate) struct Settings {
    /// What to do instead of serving.
    #[command(subcommand)]
    pub(crate) command: Option<doctor::Command>,
    #[command(flatten)]
    pub(crate) responder: ResponderArgs,
    /// The edge locations that serve: see "price class" in CloudFront's developer guide.
    #[arg(long, env, help_heading = "CloudFront", default_value = "PriceClass_100",
        value_parser = ["PriceClass_100", "PriceClass_200", "PriceClass_All"])]
    pub(crate) price_class: String,
    /// How long after the attempt to create a distribution it may still appear in CloudFront's list; a deletion waits for
    /// it that long.
    #[arg(long, env, help_heading = "CloudFront", default_value = "2m")]
    pub(crate) create_settle: humantime::Duration,
    #[command(flatten)]
    pub(crate) viewer: aws::ViewerArgs,
    #[command(flatten)]
    pub(crate) reconcile: aws::ReconcileArgs,
    #[command(flatten)]
    pub(crate) worker: WorkerArgs,
    #[command(flatten)]
    pub(crate) schedules: Schedules,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_settings_can_be_parsed_at_all() {
        use clap::CommandFactory as _;
        Settings::command().debug_assert();
    }
}
