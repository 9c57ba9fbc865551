//! The service's settings.

use pipeline::Schedules;
use store::sealing::SealingArgs;
use worker::WorkerArgs;

/// Uploads certificates to IAM, attaches them to CloudFront distributions, retires old ones.
#[derive(Debug, clap::Parser)]
#[command(version, about, after_help = aws::AFTER_HELP)]
pub(crate) struct Settings {
    /// What to do instead of serving.
    #[command(subcommand)]
    pub(crate) command: Option<doctor::Command>,
    #[command(flatten)]
    pub(crate) certificates: certificate_store::StoreArgs,
    #[command(flatten)]
    pub(crate) viewer: aws::ViewerArgs,
    #[command(flatten)]
    pub(crate) reconcile: aws::ReconcileArgs,
    #[command(flatten)]
    pub(crate) sealing: SealingArgs,
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
